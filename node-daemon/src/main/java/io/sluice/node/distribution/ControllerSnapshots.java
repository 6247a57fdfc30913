package io.sluice.node.distribution;

import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.rpc.Status;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.mesh.Kind;
import io.sluice.mesh.Marker;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrafficCodec;
import io.sluice.node.distribution.FollowStatus.FollowTraffic;
import io.sluice.node.distribution.Holding.ArrivingChange;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ResourceStream;
import io.sluice.node.store.StoredFirst.ConfirmedSource;
import io.sluice.process.Backoff;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots that the controller sends. A change is in force when the consumer has returned, and
 * only then acknowledged; one that cannot be used is refused with the reasons and changes nothing.
 * While no controller answers, what is in force stays so.
 *
 * <p>Revisions grow here whichever replica sends: each is the controller's, or one more than the
 * one before where that is higher.
 */
public final class ControllerSnapshots implements ConfirmedSource {
  private static final System.Logger LOG = System.getLogger(ControllerSnapshots.class.getName());
  private static final Duration CREDENTIAL_LOOK = Duration.ofSeconds(1);

  /** Between two looks at what the controller is told, while nothing comes. */
  private static final Duration TELLING_LOOK = Duration.ofSeconds(5);

  private final ControllerClient controller;
  private final InstantSource clock;
  private final String interception;
  private final Collection<Kind<?>> kinds;
  private final Optional<MeshSnapshot> kept;
  private final Backoff backoff = new Backoff(new SecureRandom());
  private final Backoff replacements = ControlFailure.replacements();
  private final FollowTraffic traffic = new FollowTraffic();
  private final PodsToCome pods = new PodsToCome(System::nanoTime);
  private final CountDownLatch delivered = new CountDownLatch(1);
  private final CountDownLatch ending = new CountDownLatch(1);
  private volatile FollowStatus status = FollowStatus.BEGIN;
  private volatile boolean closed;
  private volatile @Nullable ResourceStream stream;
  private volatile @Nullable RuntimeException firstFailure;
  private volatile @Nullable Thread thread;

  // Owned by the thread; before it starts, by who starts it.
  private Holding holding = Holding.NOTHING;
  private long revision;
  private TroubledPods troubled = new TroubledPods(Map::of, Duration.ZERO, System::nanoTime);
  private Traffic counted = Traffic.NONE;

  /** What is counted of requests; the controller says whether it will ask for that. */
  public record Traffic(Supplier<List<PodTraffic>> told, Runnable unasked) {
    static final Traffic NONE = new Traffic(List::of, () -> {});
  }

  /**
   * @param controller not owned
   * @param kept what an earlier daemon had in force, if that is known: not delivered, but the
   *     controller sends only what differs
   * @param interception how pods of the node are intercepted, and why so: the controller is told
   */
  public ControllerSnapshots(
      ControllerClient controller,
      Optional<MeshSnapshot> kept,
      InstantSource clock,
      String interception) {
    this(controller, kept, clock, interception, Kind.ALL);
  }

  /** The same for a node that knows these kinds. */
  public ControllerSnapshots(
      ControllerClient controller,
      Optional<MeshSnapshot> kept,
      InstantSource clock,
      String interception,
      Collection<Kind<?>> kinds) {
    this.kinds = kinds;
    this.interception = interception;
    this.controller = controller;
    this.kept = kept;
    this.clock = clock;
  }

  /** Has the controller told of these pods too; before the start. */
  public void tell(TroubledPods pods) {
    troubled = pods;
  }

  /** Answers the controller so; before the start. */
  public void tell(Traffic traffic) {
    counted = traffic;
  }

  /** Waits for the controller for as long as it takes, or until {@link #close}. */
  @Override
  public synchronized void start(Consumer<MeshSnapshot> consumer) {
    if (thread != null || closed) {
      throw new IllegalStateException("the controller is followed already");
    }
    kept.ifPresent(snapshot -> {
      holding = Holding.of(snapshot.withComplete(false));
      revision = snapshot.revision();
    });
    thread = Thread.ofPlatform().name("sluice-distribution").daemon().start(() -> run(consumer));
    if (delivered.getCount() > 0) {
      LOG.log(
          System.Logger.Level.INFO,
          "waiting_for_controller nothing is known of the mesh yet, so nothing is enforced anew");
    }
    awaitFirst();
  }

  private void awaitFirst() {
    try {
      delivered.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the controller", e);
    }
    RuntimeException failure = firstFailure;
    if (failure != null) {
      throw failure;
    }
    if (closed) {
      throw new IllegalStateException("the daemon ended while it waited for the controller");
    }
  }

  @Override
  public boolean tellsOfEveryPod() {
    return pods.mayCome();
  }

  @Override
  public Optional<Instant> confirmedAt() {
    return status().confirmed();
  }

  /** How it stands; any thread. */
  public FollowStatus status() {
    FollowStatus now = status;
    return now.connected()
        ? new FollowStatus(
            true,
            now.controllerRevision(),
            clock.instant(),
            now.resources(),
            now.refused(),
            now.failure())
        : now;
  }

  /** What has come since the start; any thread. */
  public FollowTraffic traffic() {
    return traffic;
  }

  private void run(Consumer<MeshSnapshot> consumer) {
    try {
      while (!closed) {
        if (controller.awaitCredential(CREDENTIAL_LOOK)) {
          follow(consumer);
        }
        long now = System.nanoTime();
        long pause = Math.max(backoff.leftNanos(now), replacements.leftNanos(now));
        boolean _ = ending.await(pause, TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      LOG.log(System.Logger.Level.WARNING, "distribution_interrupted");
    }
  }

  private void follow(Consumer<MeshSnapshot> consumer) throws InterruptedException {
    try (ResourceStream opened = controller.followResources()) {
      stream = opened;
      holding.requests(interception).forEach(opened::send);
      ArrivingChange change = null;
      Map<NamespacedName, String> told = Map.of();
      boolean isAsked = false;
      while (!closed) {
        Map<NamespacedName, String> pods = troubled.look();
        if (!pods.equals(told)) {
          opened.send(Holding.troubled(pods));
          told = pods;
        }
        Optional<DeltaDiscoveryResponse> come = opened.next(TELLING_LOOK);
        if (come.isEmpty()) {
          continue;
        }
        DeltaDiscoveryResponse part = come.get();
        traffic.received(part.getSerializedSize());
        if (part.getTypeUrl().equals(TrafficCodec.TYPE_URL)) {
          isAsked = true;
          TrafficCodec.answer(part.getNonce(), counted.told().get()).forEach(opened::send);
          continue;
        }
        change = change == null ? new ArrivingChange(holding, kinds, part.getNonce()) : change;
        if (change.take(part)) {
          List<String> problems = finish(change, consumer);
          opened.send(answer(change.nonce(), problems));
          change = null;
          if (!isAsked) { // who asks does so before the first change
            counted.unasked().run();
          }
          backoff.reset();
        }
      }
    } catch (ControlFailure e) {
      if (e.reason() == Reason.REPLACED) {
        replaced(String.valueOf(e.getMessage()));
      } else if (e.reason() != Reason.ENDED) {
        failed(String.valueOf(e.getMessage()));
      }
    } catch (RuntimeException e) {
      // Top frame of the stream: without this thread no change would ever arrive again.
      if (closed) { // a stream that this node has ended takes no answers
        return;
      }
      LOG.log(System.Logger.Level.ERROR, "distribution_failed", e);
      failed("the stream failed: " + e);
    } finally {
      stream = null;
    }
  }

  private static DeltaDiscoveryRequest answer(String nonce, List<String> problems) {
    DeltaDiscoveryRequest.Builder answer =
        DeltaDiscoveryRequest.newBuilder().setTypeUrl(Marker.TYPE_URL).setResponseNonce(nonce);
    if (!problems.isEmpty()) {
      answer.setErrorDetail(
          Status.newBuilder()
              .setCode(io.grpc.Status.Code.INVALID_ARGUMENT.value())
              .setMessage(String.join("\n", problems)));
    }
    return answer.build();
  }

  private void replaced(String why) {
    replacements.ended(System.nanoTime());
    if (ControlFailure.areTooMany(replacements)) {
      failed(why);
    } else if (!closed) {
      LOG.log(System.Logger.Level.INFO, "controller_followed_anew " + why);
    }
  }

  private void failed(String why) {
    pods.lost();
    if (!closed && !why.equals(status.failure())) {
      LOG.log(System.Logger.Level.WARNING, "controller_not_followed " + why);
    }
    status = status.broken(why, clock.instant());
    backoff.failed(System.nanoTime());
  }

  /** Puts the change in force, or says why it cannot be. */
  private List<String> finish(ArrivingChange change, Consumer<MeshSnapshot> consumer) {
    Holding next = change.result();
    List<String> problems = change.problems(next);
    if (problems.isEmpty()) {
      try {
        apply(change, next, consumer);
        status =
            status.taken(change.marker().revision(), clock.instant(), holding.content().size());
        traffic.taken();
        return problems;
      } catch (RuntimeException e) {
        // The consumer's mistake must not end the stream; the daemon's first one ends its start.
        LOG.log(System.Logger.Level.ERROR, "snapshot_not_taken", e);
        problems = List.of("the node failed to apply it; its log says why");
        if (delivered.getCount() > 0) {
          firstFailure = e;
          delivered.countDown();
        }
      }
    }
    LOG.log(
        System.Logger.Level.ERROR,
        "change_refused revision={0} {1}",
        Long.toString(change.marker().revision()),
        String.join(" | ", problems));
    status = status.refused(problems);
    traffic.refused();
    return problems;
  }

  private void apply(ArrivingChange change, Holding next, Consumer<MeshSnapshot> consumer) {
    boolean first = delivered.getCount() > 0;
    boolean complete = next.content().isComplete();
    if (first || change.changesAnything() || complete != holding.content().isComplete()) {
      // Also where it is not taken to its end: no other content is to have the same number.
      revision = Math.max(revision + 1, next.content().revision());
      consumer.accept(next.content().withRevision(revision));
    }
    holding = next;
    pods.heard(change.marker().tellsOfEveryPod(), complete);
    delivered.countDown();
  }

  @Override
  public void close() {
    closed = true;
    ending.countDown();
    delivered.countDown();
    ResourceStream open = stream;
    if (open != null) {
      open.close();
    }
    Thread running = thread;
    boolean interrupted = false;
    while (running != null && running != Thread.currentThread() && running.isAlive()) {
      try {
        running.join(CREDENTIAL_LOOK);
        open = stream;
        if (open != null) {
          open.close(); // one that was opened meanwhile
        }
      } catch (InterruptedException e) {
        interrupted = true; // the promise of close() holds even then
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Whether a pod that the controller has not told of is still to come. It is while the controller
   * is followed, reads its registry as a whole, and that registry is a cluster's. Told by one
   * thread, asked by any.
   */
  static final class PodsToCome {
    /**
     * How long the controller may be away before a pod that nobody tells of need not be waited for
     * any longer. Longer than a controller takes to start anew, or a Lease to pass on (15 s).
     */
    static final Duration ABSENCE = Duration.ofSeconds(30);

    private final LongSupplier nanoClock;
    private volatile long inTouchUntil;
    private volatile boolean inTouch;

    /** Until a controller says otherwise: it is away, and nothing is known of its registry. */
    private volatile boolean ofCluster = true;

    PodsToCome(LongSupplier nanoClock) {
      this.nanoClock = nanoClock;
      this.inTouchUntil = nanoClock.getAsLong();
    }

    /** The controller has said how its registry stands. */
    void heard(boolean tellsOfEveryPod, boolean isComplete) {
      ofCluster = tellsOfEveryPod;
      touch(isComplete);
    }

    /** The controller is not followed any more. */
    void lost() {
      touch(false);
    }

    private void touch(boolean now) {
      if (inTouch && !now) {
        inTouchUntil = nanoClock.getAsLong();
      }
      inTouch = now;
    }

    boolean mayCome() {
      return ofCluster && (inTouch || nanoClock.getAsLong() - inTouchUntil < ABSENCE.toNanos());
    }
  }
}
