package io.sluice.node.identity;

import io.sluice.mesh.SpiffeId;
import io.sluice.node.identity.HeldIdentities.HeldIdentity;
import io.sluice.node.identity.RequestCounts.Holder;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;
import io.sluice.process.Backoff;
import io.sluice.proxy.tls.TlsPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Decides what to ask the controller for, and when. One thread owns all of it; requests run on
 * virtual threads and come back as messages. What is asked for first: the node's own certificate,
 * then identities that have none, then those that end soonest.
 */
final class IdentityKeeper implements BundleStream.Listener, AutoCloseable {
  private static final System.Logger LOG = System.getLogger(IdentityKeeper.class.getName());

  /** A node with a thousand new pods is one client among others. */
  static final int MOST_IN_FLIGHT = 8;

  private static final Duration LONGEST_SLEEP = Duration.ofSeconds(1);
  private static final Duration STORE_RETRY = Duration.ofSeconds(30);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final NodeSelf self;
  private final Requests requests;
  private final BundleStream bundles;
  private final Keeping keeping;
  private final IdentityClock clock;
  private final RequestCounts counts = new RequestCounts();
  private final ClockWatch clockWatch;

  /** Bounded by what is in flight and one message of each other sender. */
  private final BlockingQueue<Runnable> mailbox = new LinkedBlockingQueue<>();

  private final HeldIdentities held;
  private final Thread thread;
  private volatile @Nullable Instant lastContact;
  private volatile @Nullable Trouble linkTrouble;
  private volatile @Nullable Trouble estrangement;
  private volatile Runnable changedTrust = () -> {};
  private volatile boolean stopping;

  // Owned by the thread; before it starts, by its maker.
  private final Backoff link;
  private final Backoff nodeBackoff;
  private final Backoff replacements = ControlFailure.replacements();
  private int inFlight;
  private boolean nodeBusy;
  private long storeRetryDueNanos;

  IdentityKeeper(
      NodeSelf self,
      ControllerClient controller,
      Requests requests,
      Keeping keeping,
      IdentityClock clock,
      RandomGenerator random,
      TlsPolicy policy) {
    this.self = self;
    this.requests = requests;
    this.bundles = new BundleStream(controller, mailbox::add, this);
    this.keeping = keeping;
    this.clock = clock;
    this.held = new HeldIdentities(policy, clock, random);
    this.link = new Backoff(random);
    this.nodeBackoff = new Backoff(random);
    this.clockWatch = new ClockWatch(clock);
    this.thread =
        Thread.ofPlatform().daemon().name("sluice-identity").unstarted(this::runUntilStopped);
  }

  /** Goes by what was kept, then starts to ask. */
  void start(Optional<KeptNode> keptNode, List<Credential> keptWorkloads) {
    Instant now = clock.instant();
    long nanos = clock.nanos();
    storeRetryDueNanos = nanos + STORE_RETRY.toNanos();
    keptNode.ifPresent(node -> {
      self.restore(node, now, nanos);
      for (Credential one : keptWorkloads) {
        HeldIdentity made = held.hold(one.identity());
        made.use(one, node.roots(), now, nanos);
        made.unwantedSinceNanos = nanos; // until a snapshot asks for it
      }
    });
    thread.start();
  }

  /** Takes the identities that are wanted from now on; any thread, at once. */
  void want(Set<SpiffeId> identities, Predicate<SpiffeId> stillUsed) {
    if (held.note(identities, stillUsed)) {
      mailbox.add(() -> held.takeNote(clock.nanos()));
    }
  }

  /** Asks for every certificate anew, as soon as the controller answers; any thread. */
  void renewAll() {
    mailbox.add(() -> {
      link.reset();
      nodeBackoff.reset();
      self.renewNow(clock.nanos());
      held.renewNow();
    });
  }

  /** Looks at everything now; any thread. */
  void wake() {
    mailbox.add(() -> {});
  }

  HeldIdentities held() {
    return held;
  }

  RequestCounts counts() {
    return counts;
  }

  boolean isConnected() {
    return bundles.isOpen();
  }

  Optional<Instant> lastContact() {
    return bundles.isOpen() ? Optional.of(clock.instant()) : Optional.ofNullable(lastContact);
  }

  Optional<Trouble> linkTrouble() {
    return Optional.ofNullable(linkTrouble);
  }

  /** Since when, and how, the node and whoever answered last do not know one another. */
  Optional<Trouble> estrangement() {
    return Optional.ofNullable(estrangement);
  }

  private void runUntilStopped() {
    while (!stopping) {
      try {
        long pause = replacements.leftNanos(clock.nanos());
        long longest = LONGEST_SLEEP.toNanos();
        Runnable message =
            mailbox.poll(pause == 0 ? longest : Math.min(pause, longest), TimeUnit.NANOSECONDS);
        while (message != null) {
          message.run();
          message = mailbox.poll();
        }
        turn();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        // Top frame: without this thread no certificate would ever be renewed again.
        LOG.log(System.Logger.Level.ERROR, "identity_keeper_failed", e);
      }
    }
  }

  private void turn() {
    Instant now = clock.instant();
    long nanos = clock.nanos();
    if (clockWatch.hasJumped()) {
      link.reset();
      nodeBackoff.reset();
      held.forgetPauses();
    }
    held.dropUnwanted(nanos, keeping::forget);
    if (nanos - storeRetryDueNanos >= 0) {
      storeRetryDueNanos = nanos + STORE_RETRY.toNanos();
      keeping.retry();
    }
    if (self.needsAdmission(now)) {
      if (mayAsk(nanos) && !nodeBusy && nodeBackoff.isOver(nanos)) {
        admit();
      }
      return;
    }
    if (mayAsk(nanos) && !nodeBusy && nodeBackoff.isOver(nanos)) {
      self.disbelief().ifPresent(this::admitAnew);
    }
    if (mayAsk(nanos) && !nodeBusy && self.isRenewalDue(now, nanos) && nodeBackoff.isOver(nanos)) {
      renewNode();
    }
    if (mayAsk(nanos) && !bundles.isRunning() && replacements.isOver(nanos)) {
      inFlight++;
      bundles.start();
    }
    if (mayAsk(nanos)) {
      issue(now, nanos);
    }
  }

  /** After a failure that concerns all, one request at a time finds out whether it is over. */
  private boolean mayAsk(long nanos) {
    return link.isClear() ? inFlight < MOST_IN_FLIGHT : inFlight == 0 && link.isOver(nanos);
  }

  private void admit() {
    nodeBusy = true;
    Optional<KeptNode> known = self.known();
    ask(Holder.NODE, () -> requests.admit(known), this::admitted, this::nodeFailed);
  }

  /** In turns with other requests, for whoever was not believed may have been somebody else. */
  private void admitAnew(ControlFailure disbelief) {
    nodeBusy = true;
    KeptNode known = self.known().orElseThrow();
    ask(
        Holder.NODE,
        () -> requests.admitAnew(known, disbelief),
        this::admitted,
        failure -> {
          nodeBusy = false;
          nodeBackoff.failed(clock.nanos());
          self.believesNot(null);
        });
  }

  private void admitted(KeptNode node) {
    nodeBusy = false;
    nodeBackoff.reset();
    self.admitted(node, clock.instant(), clock.nanos());
    self.known().ifPresent(this::goBy);
  }

  private void renewNode() {
    nodeBusy = true;
    KeptNode before = self.known().orElseThrow();
    ask(
        Holder.NODE,
        () -> requests.renewNode(before.roots()),
        credential -> {
          nodeBusy = false;
          nodeBackoff.reset();
          self.renewed(credential, clock.instant(), clock.nanos());
          self.known().ifPresent(keeping::save);
        },
        this::nodeFailed);
  }

  private void nodeFailed(ControlFailure failure) {
    nodeBusy = false;
    self.failed(failure, clock.instant());
    nodeBackoff.failed(clock.nanos());
  }

  private void issue(Instant now, long nanos) {
    for (HeldIdentity one : held.due(now, nanos, MOST_IN_FLIGHT)) {
      if (mayAsk(nanos)) {
        issue(one);
      }
    }
  }

  private void issue(HeldIdentity one) {
    one.busy = true;
    TrustRoots roots = self.roots().orElseThrow();
    ask(
        Holder.WORKLOAD,
        () -> requests.issue(one.account, roots),
        credential -> issued(one, credential),
        failure -> {
          one.busy = false;
          Trouble before = one.trouble().orElse(null);
          one.failed(Trouble.after(before, failure, clock.instant()), clock.nanos());
          if (!failure.reason().concernsAll()
              && (before == null || before.latest().reason() != failure.reason())) {
            LOG.log(System.Logger.Level.WARNING, "certificate_failed " + failure.getMessage());
          }
        });
  }

  private void issued(HeldIdentity one, Credential credential) {
    one.busy = false;
    SpiffeId before = one.identity();
    if (held.of(before) == one) {
      TrustRoots newest = self.roots().orElseThrow();
      one.use(credential, newest, clock.instant(), clock.nanos());
      if (!before.equals(credential.identity())) {
        keeping.forget(before);
      }
      keeping.save(credential);
    }
  }

  private <T> void ask(
      Holder holder,
      Supplier<T> request,
      Consumer<T> onAnswer,
      Consumer<ControlFailure> onFailure) {
    inFlight++;
    Thread.ofVirtual()
        .name("sluice-identity-call")
        .start(() -> {
          Runnable message;
          try {
            T answer = request.get();
            message =
                () -> {
                  counts.issued(holder);
                  linkWorks();
                  onAnswer.accept(answer);
                };
          } catch (ControlFailure e) {
            message = () -> failed(holder, e, onFailure);
          } catch (RuntimeException e) {
            // Top frame of the request: the keeper must learn of it, whatever it is.
            ControlFailure unexpected =
                new ControlFailure(Reason.INTERNAL, "a request failed: " + e, e);
            LOG.log(System.Logger.Level.ERROR, "identity_request_failed", e);
            message = () -> failed(holder, unexpected, onFailure);
          }
          Runnable answered = message;
          mailbox.add(() -> {
            inFlight--;
            answered.run();
          });
        });
  }

  private void failed(Holder holder, ControlFailure failure, Consumer<ControlFailure> onFailure) {
    counts.failed(holder, failure.reason());
    if (failure.reason().concernsAll()) {
      linkFailed(failure);
    } else {
      lastContact = clock.instant();
    }
    onFailure.accept(failure);
  }

  private void linkFailed(ControlFailure failure) {
    link.failed(clock.nanos());
    linkTroubled(failure);
  }

  private void linkTroubled(ControlFailure failure) {
    Trouble before = linkTrouble;
    linkTrouble = Trouble.after(before, failure, clock.instant());
    if (before == null || before.latest().reason() != failure.reason()) {
      LOG.log(System.Logger.Level.WARNING, "controller_failed " + failure.getMessage());
    }
    if (self.isEstrangedBy(failure)) {
      estrangement = linkTrouble;
    }
  }

  private void linkWorks() {
    lastContact = clock.instant();
    link.reset();
    estrangement = null;
    self.believesNot(null);
    if (linkTrouble != null) {
      linkTrouble = null;
      LOG.log(System.Logger.Level.INFO, "controller_answers_again");
    }
  }

  @Override
  public void opened() {
    inFlight--;
    linkWorks();
    if (clock.isLowerBound()) {
      self.renewNow(clock.nanos()); // the answer tells what time it is
    }
  }

  @Override
  public void received(TrustRoots roots) {
    lastContact = clock.instant();
    self.follow(roots).ifPresent(this::goBy);
  }

  private void goBy(KeptNode node) {
    keeping.save(node);
    held.trust(node.roots());
    changedTrust.run();
  }

  /** Has {@code listener} told, on the keeper's thread, when peers are believed by other roots. */
  void onChangedTrust(Runnable listener) {
    changedTrust = listener;
  }

  @Override
  public void ended(ControlFailure failure, boolean wasOpen) {
    if (!wasOpen) {
      inFlight--;
    } else {
      lastContact = clock.instant();
    }
    if (stopping || failure.reason() == Reason.ENDED) {
      return;
    }
    if (failure.reason() != Reason.REPLACED) {
      linkFailed(failure);
      return;
    }
    replacements.ended(clock.nanos());
    if (ControlFailure.areTooMany(replacements)) {
      linkTroubled(failure); // other calls are answered
    } else {
      LOG.log(System.Logger.Level.INFO, "controller_followed_anew " + failure.getMessage());
    }
  }

  /** Stops asking; what is held stays as it is. */
  void stop() {
    stopping = true;
    thread.interrupt();
    try {
      thread.join(CLOSE_TIMEOUT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Stops asking and forgets every key. */
  @Override
  public void close() {
    stop();
    held.close();
  }
}
