package io.sluice.control.kubernetes;

import io.sluice.control.kubernetes.KindObjects.Update;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.registry.ObjectSource;
import io.sluice.control.registry.ObjectSource.ObjectBatch;
import io.sluice.control.registry.ObjectSource.ObjectChange;
import io.sluice.control.registry.RegistryStatus.OriginStatus;
import io.sluice.control.registry.Rounds;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The objects of a cluster. Each kind is followed on a virtual thread; one more delivers what they
 * found. A kind that cannot be read keeps its last objects and makes the whole incomplete.
 */
final class KubernetesObjects implements ObjectSource {
  /** Nothing in the mesh depends on a ServiceAccount object: so no right to read them is needed. */
  static final Set<ReadableKind> KINDS =
      EnumSet.complementOf(EnumSet.of(ReadableKind.SERVICE_ACCOUNT));

  private static final Set<ReadableKind> CONFIGS =
      EnumSet.of(
          ReadableKind.MESH_CONFIG, ReadableKind.OSM_MESH_CONFIG, ReadableKind.FSM_MESH_CONFIG);

  private static final Logger LOG = System.getLogger(KubernetesObjects.class.getName());

  /** A consumer that failed is asked again by then. */
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);

  /** Most objects whose problems a status names: of ten thousand, nobody reads more. */
  private static final int MAX_ORIGINS = 1_000;

  private final KubernetesApi api;
  private final WatchSettings settings;
  private final @Nullable String configNamespaceOrNull;
  private final Changes changes = new Changes();
  private final List<KindFollower> followers;
  private final Definitions definitions;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Map<ObjectRef, ReportedObject> reported = new TreeMap<>(); // who delivers only
  private List<ReportedObject> reportedNow = List.of();
  private volatile Consumer<List<ReportedObject>> delivered = _ -> {};
  private @Nullable Thread thread;

  /**
   * Connects to nothing yet.
   *
   * @param api owned
   * @param configNamespaceOrNull where a MeshConfig has to be to govern; null where it may be
   *     anywhere
   */
  KubernetesObjects(
      KubernetesApi api, WatchSettings settings, @Nullable String configNamespaceOrNull) {
    this.api = api;
    this.settings = settings;
    this.configNamespaceOrNull = configNamespaceOrNull;
    this.definitions = new Definitions(api, settings, KINDS, this::lookAgain);
    this.followers =
        KINDS.stream()
            .map(kind -> new KindFollower(api, kind, settings, changes, definitions))
            .toList();
  }

  /**
   * Calls {@code next} with the objects that have a status of ours after each delivery, on the same
   * thread: they are those that the delivery was made of. The same list where none has changed.
   */
  void onDelivered(Consumer<List<ReportedObject>> next) {
    delivered = next;
  }

  private void lookAgain(ReadableKind kind) {
    followers.stream().filter(each -> each.kind() == kind).forEach(KindFollower::lookAgain);
  }

  /** What following each kind has cost and brought, at any time. */
  List<WatchCounts> counts() {
    return followers.stream().map(KindFollower::counts).toList();
  }

  /** How many objects have changed and are not in force yet. */
  int queued() {
    return changes.queued();
  }

  /** Lists first; a server that is away delays the start only so long. */
  @Override
  public synchronized void start(Consumer<ObjectBatch> consumer) {
    if (thread != null || closing.getCount() == 0) {
      throw new IllegalStateException("the registry of " + api.server() + " was already started");
    }
    definitions.start();
    followers.forEach(KindFollower::start);
    try {
      long end = System.nanoTime() + settings.firstLists().toNanos();
      while (!isTried() && System.nanoTime() - end < 0) {
        changes.await(Duration.ofNanos(Math.max(1_000_000, end - System.nanoTime())));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // what is known by now is delivered
    }
    deliver(consumer);
    thread = Thread.ofVirtual().name("sluice-kubernetes-registry").start(() -> run(consumer));
  }

  private boolean isTried() {
    return followers.stream().allMatch(follower -> follower.status().isTried());
  }

  private void run(Consumer<ObjectBatch> consumer) {
    try {
      while (true) {
        changes.await(LONGEST_WAIT);
        if (closing.await(settings.gather().toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
        try {
          deliver(consumer);
        } catch (RuntimeException e) {
          // The thread must outlive a consumer's mistake, or no later change would arrive.
          LOG.log(Level.ERROR, "kubernetes_registry_delivery_failed server=" + api.server(), e);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // only close() interrupts
    }
  }

  private void deliver(Consumer<ObjectBatch> consumer) {
    // First: what a kind reports as complete is among the changes that are taken after.
    boolean complete = followers.stream().allMatch(follower -> follower.status().isComplete());
    boolean everyConfig = followers.stream().allMatch(this::hasEveryConfig);
    List<Problem> problems =
        followers.stream()
            .map(follower -> follower.status().problem())
            .flatMap(Optional::stream)
            .toList();
    Changes.Taken taken = changes.take();
    taken
        .reported()
        .forEach((ref, now) -> {
          if (now.isEmpty()) {
            reported.remove(ref);
          } else {
            reported.put(ref, now.get());
          }
        });
    if (!taken.reported().isEmpty()) {
      reportedNow = List.copyOf(reported.values());
    }
    List<OriginStatus> origins =
        followers.stream()
            .flatMap(follower -> follower.objects().origins().stream())
            .limit(MAX_ORIGINS)
            .toList();
    consumer.accept(
        new ObjectBatch(taken.changes(), problems, origins, complete && everyConfig, everyConfig));
    changes.delivered();
    delivered.accept(reportedNow);
  }

  private boolean hasEveryConfig(KindFollower follower) {
    return !CONFIGS.contains(follower.kind())
        || (follower.status().isComplete() && !follower.objects().lacksAny(configNamespaceOrNull));
  }

  @Override
  public void close() {
    closing.countDown();
    definitions.close();
    followers.forEach(KindFollower::close);
    Thread running;
    synchronized (this) {
      running = thread;
    }
    changes.wake();
    Rounds.awaitEnd(running);
    api.close();
  }

  /**
   * Changes that wait for delivery, the newest of each object only: so never more than there are
   * objects. Any thread.
   */
  static final class Changes {
    private final Map<ObjectRef, ObjectChange> waiting = new LinkedHashMap<>();
    private final Map<ObjectRef, Optional<ReportedObject>> reported = new LinkedHashMap<>();
    private int taken; // since what was taken has come to be in force
    private boolean awake;

    synchronized void add(List<Update> updates) {
      for (Update update : updates) {
        ObjectChange change = update.changeOrNull();
        if (change != null) {
          waiting.put(change.ref(), change);
          awake = true;
        }
        // Together with the change: who writes a status must not take one content for another.
        if (ReportedObject.isOf(update.ref())) {
          reported.put(update.ref(), Optional.ofNullable(update.reportedOrNull()));
          awake = true;
        }
      }
      if (awake) {
        notifyAll();
      }
    }

    /** Ends the present or the next wait: something else than an object has changed. */
    synchronized void wake() {
      awake = true;
      notifyAll();
    }

    /** Waits for a reason to deliver, at most {@code longest}. */
    synchronized void await(Duration longest) throws InterruptedException {
      long end = System.nanoTime() + longest.toNanos();
      for (long left = longest.toMillis(); !awake && left > 0; ) {
        wait(left);
        left = Duration.ofNanos(end - System.nanoTime()).toMillis();
      }
      awake = false;
    }

    /** What waits, in order of first change; nothing waits then. */
    synchronized Taken take() {
      Taken now = new Taken(List.copyOf(waiting.values()), Map.copyOf(reported));
      taken += waiting.size();
      waiting.clear();
      reported.clear();
      return now;
    }

    /** What was taken is in force. */
    synchronized void delivered() {
      taken = 0;
    }

    synchronized int queued() {
      return waiting.size() + taken;
    }

    /**
     * What had changed.
     *
     * @param reported what statuses say now; empty of objects that have gone
     */
    record Taken(List<ObjectChange> changes, Map<ObjectRef, Optional<ReportedObject>> reported) {}
  }
}
