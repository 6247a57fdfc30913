package io.sluice.node.enrolment;

import static java.util.Comparator.comparing;

import io.sluice.interception.FormerMechanism;
import io.sluice.interception.Interception;
import io.sluice.interception.Mechanism;
import io.sluice.interception.NamespaceSockets;
import io.sluice.interception.PodNetworkReader;
import io.sluice.linux.netns.NamespaceLostError;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.EnrolledPods.Change;
import io.sluice.node.enrolment.NamespaceClaims.NamespaceConflictException;
import io.sluice.node.enrolment.ReleasedPods.GivingBack;
import io.sluice.node.enrolment.StatusView.PodProblems;
import io.sluice.node.placement.PodNamespaces;
import io.sluice.node.placement.Sandbox;
import io.sluice.proxy.accept.Proxy;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the pods of this node enrolled as the latest snapshot says. One thread does all the work:
 * it runs at every new snapshot and once a second, because namespaces come and go without notice.
 * While all is in order and nothing was told or mounted, most of these runs look at no more than
 * what is due by itself.
 */
public final class Enrolment implements SandboxEnrolment, AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Enrolment.class.getName());
  private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(1);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  /** Sweeps between two runs of upkeep. */
  private static final int SWEEPS_PER_UPKEEP = 30;

  /**
   * Sweeps of which one looks at pods in their turn, and at whatever else nobody tells of. Many
   * looks at once cost a fraction of as many that find the processor's caches used by others.
   */
  private static final int SWEEPS_PER_TURN = 5;

  /** Pods of a turn, so that a site of few pods need not wait for a round. */
  private static final int LEAST_LOOKS = 2 * SWEEPS_PER_TURN;

  private final String nodeName;
  private final FormerMechanism former;
  private final Runnable upkeep;
  private final Semaphore wakeUp = new Semaphore(0);
  private final CallQueue calls = new CallQueue();
  private volatile Thread thread;

  // Owned by the enrolment thread (before it starts: by the caller of start).
  private final EnrolledPods enrolled;
  private final PodNamespaces places;
  private final Placements placements;
  private final Sandboxes sandboxes;
  private final Verification verification;
  private final Set<NamespacedName> refusedPending = new HashSet<>();
  private final PodProblems problems = new PodProblems(System::nanoTime);
  private final StatusView view;
  private final Leftovers leftovers;
  private final ReleasedPods released;
  private volatile long reconciledRevision = -1;
  private int sweepsSinceUpkeep;
  private int sweepsSinceTurn;

  /** Nothing but what is due by itself needs a look until something is told or mounted. */
  private boolean isSettled;

  private boolean hasCalled; // since the last look at all pods has begun

  private final LookTurns turns = new LookTurns(LEAST_LOOKS);

  /** Of looks at the addresses inside unchanged pods. */
  private final LookTurns networkTurns = new LookTurns(0);

  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;
  private volatile Map<NamespacedName, PodStatus> statuses = Map.of();
  private final AtomicBoolean sweepWanted = new AtomicBoolean();
  private volatile boolean stopping;
  private final boolean opens;

  /** Else everything is looked at in every sweep: rules are changed from inside a pod. */
  private final boolean looksInTurn;

  private final GivingBack givingBack = new GivingBack();

  /**
   * Does nothing before {@link #start}.
   *
   * @param former what another mechanism left, which goes pod by pod as this one takes over
   * @param upkeep runs every half minute
   */
  public Enrolment(
      String nodeName,
      Interception interception,
      NamespaceSockets sockets,
      Proxy proxy,
      PodNamespaces places,
      PodNetworkReader networks,
      NetnsHandle hostNamespace,
      EarlierConnections earlier,
      Verification verification,
      FormerMechanism former,
      Runnable upkeep) {
    this.nodeName = nodeName;
    this.opens = interception.mechanism().outbound() == Mechanism.EBPF;
    this.looksInTurn = interception.mechanism() == Mechanism.EBPF;
    this.places = places;
    this.placements = new Placements(places, networks);
    this.enrolled =
        new EnrolledPods(
            interception,
            sockets,
            proxy,
            places,
            placements,
            hostNamespace,
            earlier,
            verification,
            former,
            this::isWanted);
    this.leftovers =
        new Leftovers(interception, enrolled, verification.closedPods(), places.sandboxes());
    this.released = new ReleasedPods(interception, enrolled, proxy);
    this.sandboxes = new Sandboxes(interception, enrolled, places, verification.closedPods());
    this.verification = verification;
    this.view =
        new StatusView(
            nodeName, enrolled::find, earlier, verification, problems.current(), refusedPending);
    this.former = former;
    this.upkeep = upkeep;
    this.thread = newThread();
  }

  private Thread newThread() {
    return Thread.ofPlatform().daemon().name("sluice-enrolment").unstarted(this::runUntilStopped);
  }

  /**
   * Looks at every pod that {@code expected} calls for, and changes nothing: what {@link #start}
   * does then is known ground.
   */
  public void lookAhead(MeshSnapshot expected) {
    expected.workloadsOn(nodeName).stream()
        .filter(this::isWanted)
        .forEach(workload -> placements.lookAhead(workload, expected));
  }

  /**
   * Enrols what {@code first} calls for before it returns, then follows {@link #publish}.
   *
   * @param brought runs when every pod that can be is in force, or still is by another mechanism
   *     and served, before anything else is looked at
   */
  public void start(MeshSnapshot first, Runnable brought) {
    snapshot = first;
    leftovers.noteBeforeStart();
    reconcile(brought);
    verification.beginLooking();
    thread.start();
  }

  /** Takes a new snapshot; returns at once, any thread. */
  public void publish(MeshSnapshot next) {
    snapshot = next;
    sweepSoon();
  }

  /** Looks after everything soon instead of within a second; returns at once, any thread. */
  public void sweepSoon() {
    sweepWanted.set(true);
    wakeUp.release();
  }

  @Override
  public CompletableFuture<Void> attach(Sandbox sandbox, NetnsHandle netns) {
    AtomicBoolean isTaken = new AtomicBoolean();
    CompletableFuture<Void> result =
        call(() -> {
          if (isTaken.compareAndSet(false, true)) {
            MeshSnapshot current = snapshot;
            sandboxes.attach(sandbox, netns, placed(sandbox, current), current);
            publishStatuses(current);
          }
          return null;
        });
    // The caller cancels what is returned: it has to be the call itself, not what depends on it.
    CompletableFuture<Void> _ =
        result.whenComplete((_, _) -> {
          if (isTaken.compareAndSet(false, true)) {
            netns.close(); // cancelled, or refused while the daemon stops
          }
        });
    return result;
  }

  private Optional<Workload> placed(Sandbox sandbox, MeshSnapshot current) {
    return current.workload(sandbox.pod()).filter(this::isHere);
  }

  @Override
  public CompletableFuture<Void> detach(Sandbox sandbox) {
    return call(() -> {
      sandboxes.detach(sandbox);
      publishStatuses(snapshot);
      return null;
    });
  }

  @Override
  public CompletableFuture<Void> refresh(Sandbox sandbox) {
    return call(() -> {
      MeshSnapshot current = snapshot;
      sandboxes.refresh(sandbox, placed(sandbox, current), current);
      return null;
    });
  }

  @Override
  public CompletableFuture<Optional<String>> check(Sandbox sandbox) {
    return call(() -> sandboxes.problem(sandbox));
  }

  private <T> CompletableFuture<T> call(Callable<T> work) {
    CompletableFuture<T> result = calls.submit(work);
    wakeUp.release();
    return result;
  }

  /**
   * Revision of the snapshot that every pod was last brought to; -1 before the first; any thread.
   */
  public long enforcedRevision() {
    return reconciledRevision;
  }

  /** Every pod of the registry that belongs to this node, by name; any thread. */
  public List<PodStatus> statuses() {
    return statuses.values().stream().sorted(comparing(PodStatus::name)).toList();
  }

  /** The name of the pod with this namespace cookie, if it is enrolled; any thread. */
  public Optional<NamespacedName> nameOf(long netnsCookie) {
    return statuses.values().stream()
        .filter(status -> status.netnsCookie() == netnsCookie)
        .map(PodStatus::name)
        .findFirst();
  }

  private void runUntilStopped() {
    long nextSweep = System.nanoTime() + SWEEP_INTERVAL.toNanos();
    while (!stopping) {
      try {
        if (wakeUp.tryAcquire(Math.max(0, nextSweep - System.nanoTime()), TimeUnit.NANOSECONDS)) {
          wakeUp.drainPermits();
        }
        runCalls();
        boolean isWanted = sweepWanted.getAndSet(false);
        isSettled &= !isWanted;
        if (!stopping && (isWanted || System.nanoTime() - nextSweep >= 0)) {
          nextSweep = System.nanoTime() + SWEEP_INTERVAL.toNanos();
          sweep();
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException | Error e) {
        // Top frame of the thread. The next sweep tries again; enrolled pods stay as they are.
        LOG.log(System.Logger.Level.ERROR, "enrolment_failed", e);
        if (e instanceof NamespaceLostError) {
          thread = newThread(); // this one is in a pod for good
          thread.start();
          return;
        }
      }
    }
  }

  private void runCalls() {
    if (calls.run()) {
      isSettled = false;
      hasCalled = true;
    }
  }

  private void sweep() {
    sweepsSinceTurn++;
    if (places.beginRound() || !isSettled || sweepsSinceTurn >= SWEEPS_PER_TURN) {
      reconcile(null);
    } else {
      verification.beginSweep();
      if (verifyDue(enrolled.names(), Set.of())) {
        publishStatuses(snapshot);
      }
      enrolled.followEarlierConnections();
    }
    if (++sweepsSinceUpkeep >= SWEEPS_PER_UPKEEP) {
      sweepsSinceUpkeep = 0;
      upkeep.run();
    }
  }

  private void reconcile(@Nullable Runnable brought) {
    isSettled = false;
    hasCalled = false;
    boolean isTurn = sweepsSinceTurn >= SWEEPS_PER_TURN;
    sweepsSinceTurn = isTurn ? 0 : sweepsSinceTurn;
    MeshSnapshot current = snapshot;
    Map<NamespacedName, Workload> wanted = new TreeMap<>();
    for (Workload workload : current.workloadsOn(nodeName)) {
      if (isWanted(workload)) {
        wanted.put(workload.name(), workload);
      }
    }
    boolean isNew = current.revision() != reconciledRevision;
    Set<NamespacedName> networks = isTurn ? networkTurns.next(wanted.keySet()) : Set.of();
    Set<NamespacedName> failedBefore = problems.begin();
    refusedPending.clear();
    sandboxes.sweep(this::runCalls);
    enrolled.knowPeers(current);
    enrolled.releaseOthers(wanted.keySet());
    verification.beginSweep();
    enrolled.compareClaims(wanted.values());
    // What runtime and kubelet say of a pod comes before what its annotation says.
    List<Workload> inTurn =
        wanted.values().stream().sorted(comparing(pod -> pod.netns().isPresent())).toList();
    if (brought != null) {
      inTurn.forEach(pod -> enrolled.serveFormerly(pod, current));
    }
    // Those are served already, and may take their time.
    Predicate<Workload> mayWait = pod -> enrolled.isServedFormerly(pod.name());
    Function<Workload, Change> change =
        pod ->
            networks.contains(pod.name()) || failedBefore.contains(pod.name())
                ? Change.NETWORK
                : isNew ? Change.WORDS : Change.PLACE;
    bring(inTurn, mayWait.negate(), current, change);
    if (brought != null) {
      brought.run();
    }
    bring(inTurn, mayWait, current, change);
    former.settle();
    Set<NamespacedName> looks =
        !looksInTurn ? wanted.keySet() : isTurn ? turns.next(wanted.keySet()) : Set.of();
    boolean _ = verifyDue(inTurn.stream().map(Workload::name).toList(), looks);
    enrolled.followEarlierConnections();
    publishStatuses(current);
    reconciledRevision = current.revision(); // after the statuses: whoever waits for it reads them
    released.settle(this::runCalls);
    leftovers.tellOfStart();
    if (current.isComplete()) {
      leftovers.release(wanted.keySet());
    }
    if (problems.current().isEmpty() && current.isComplete()) {
      former.removeAll();
    }
    isSettled =
        looksInTurn
            && !hasCalled
            && current.isComplete()
            && problems.current().isEmpty()
            && enrolled.areSettled(wanted.keySet())
            && sandboxes.areSettled()
            && leftovers.areSettled()
            && former.isSettled()
            && released.areSettled();
  }

  /**
   * Looks at those of {@code looks}, and at whatever is due of the others.
   *
   * @return whether anything was
   */
  private boolean verifyDue(Collection<NamespacedName> pods, Set<NamespacedName> looks) {
    boolean isAny = false;
    for (NamespacedName name : pods) {
      boolean isInTurn = looks.contains(name);
      if (isInTurn || verification.isDue(name)) {
        runCalls();
        verify(name, isInTurn);
        isAny = true;
      }
    }
    isSettled &= problems.current().isEmpty();
    return isAny;
  }

  private void bring(
      List<Workload> inTurn,
      Predicate<Workload> due,
      MeshSnapshot current,
      Function<Workload, Change> change) {
    for (Workload workload : inTurn) {
      if (due.test(workload)) {
        runCalls(); // a look into a broken pod may take seconds
        bring(workload, current, change.apply(workload));
      }
    }
  }

  private void bring(Workload workload, MeshSnapshot current, Change change) {
    try {
      enrolled.bring(workload, current, change);
    } catch (RuntimeException e) {
      // Whatever is wrong with one pod must not keep the others out; the next sweep tries again.
      noteProblem(workload.name(), e, workload.netns().isEmpty());
      String problem = problems.current().getOrDefault(workload.name(), "");
      if (enrolled.refusePending(workload, current, problem)) {
        refusedPending.add(workload.name());
      }
    }
  }

  private void verify(NamespacedName name, boolean isInTurn) {
    try {
      enrolled.verify(name, isInTurn).ifPresent(problem -> problems.current().put(name, problem));
    } catch (RuntimeException e) {
      noteProblem(name, e, false);
    }
  }

  private boolean isWanted(Workload workload) {
    return !givingBack.hasBegun() && workload.enrolled() && isHere(workload);
  }

  private boolean isHere(Workload workload) {
    return places.canFind(workload)
        && !workload.hostNetwork()
        && workload.nodeName().map(nodeName::equals).orElse(true);
  }

  private void noteProblem(NamespacedName name, RuntimeException cause, boolean isExpected) {
    Throwable root =
        cause instanceof CompletionException && cause.getCause() != null ? cause.getCause() : cause;
    if (problems.note(name, root, isExpected)) {
      String problem = String.valueOf(root.getMessage());
      LOG.log(System.Logger.Level.WARNING, "pod_not_enrolled pod={0} problem={1}", name, problem);
      if (root instanceof NamespaceConflictException) {
        verification.tellOfConflict(name);
      }
    }
  }

  private void publishStatuses(MeshSnapshot current) {
    statuses = view.of(current);
  }

  /** How often the paths into and out of a pod were looked at; any thread. */
  public long pathChecks() {
    return verification.looks();
  }

  /**
   * Looks after enrolled pods no more, since the proxy is about to close their listeners, which
   * would be taken for a fault. Any thread.
   */
  public void stopVerifying() {
    verification.stop();
  }

  /**
   * Leaves every pod alone, as one that leaves the mesh, where the mesh is being taken away. Only
   * for a daemon whose place no other has. Blocks; any thread.
   */
  public void giveBack() {
    if (snapshot.settings().retirement() == Retirement.CLEAR) {
      givingBack.run(this::call, enrolled);
    }
  }

  /** How many pods are refused as a whole while no daemon runs; rules know of none that are not. */
  public long closedWithoutDaemon() {
    MeshSnapshot present = snapshot;
    return present.settings().retirement() == Retirement.CLEAR
        ? 0
        : statuses().stream()
            .filter(pod -> pod.state() == PodStatus.PodState.ENROLLED)
            .flatMap(pod -> present.workload(pod.name()).stream())
            .filter(pod -> !opens || pod.interception().openings().fail() == FailMode.CLOSED)
            .count();
  }

  /**
   * Stops following; enrolled pods stay enrolled, and their namespaces open for what the proxy
   * still does for them. Any thread.
   *
   * @return whether nothing is done any more; else a last step takes longer than it should
   */
  public boolean stop() {
    verification.stop();
    stopping = true;
    calls.close();
    wakeUp.release();
    if (thread.getState() == Thread.State.NEW || hasEnded()) {
      return true;
    }
    LOG.log(System.Logger.Level.WARNING, "enrolment_still_running");
    return false;
  }

  /** Stops following; enrolled pods stay enrolled. */
  @Override
  public void close() {
    if (stop()) {
      enrolled.closeNamespaces();
    } // else it still uses the namespaces; they are closed with the process
  }

  private boolean hasEnded() {
    try {
      return thread.join(CLOSE_TIMEOUT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
