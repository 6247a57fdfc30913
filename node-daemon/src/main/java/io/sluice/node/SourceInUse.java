package io.sluice.node;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.distribution.ControllerSnapshots.Traffic;
import io.sluice.node.distribution.FollowStatus;
import io.sluice.node.distribution.TroubledPods;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.identity.OfflineReport;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.store.MeshMark;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.StoreStatus;
import io.sluice.node.store.Stored;
import io.sluice.node.store.StoredFirst;
import io.sluice.node.store.StoredFirst.ConfirmedSource;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Where this daemon's snapshots come from, and what its status says of that. */
final class SourceInUse implements SnapshotSource {
  private static final String NONE = "-";

  private final SnapshotSource source;
  private final Supplier<Optional<MeshSnapshot>> atHand;
  private final Optional<StoredFirst> stored;
  private final Optional<ControllerSnapshots> controller;

  private SourceInUse(
      SnapshotSource source,
      Supplier<Optional<MeshSnapshot>> atHand,
      Optional<StoredFirst> stored,
      Optional<ControllerSnapshots> controller) {
    this.source = source;
    this.atHand = atHand;
    this.stored = stored;
    this.controller = controller;
  }

  /** A registry that the node reads itself. */
  static SourceInUse registry(ReadAheadSource registry) {
    return new SourceInUse(registry, registry::atHand, Optional.empty(), Optional.empty());
  }

  /** A source out of this process, with what the disk has in front of it. */
  static SourceInUse storedFirst(
      SnapshotStore store,
      Optional<Stored> loaded,
      ConfirmedSource other,
      Supplier<MeshMark> meshes,
      InstantSource clock) {
    StoredFirst source = new StoredFirst(store, loaded, other, meshes, clock);
    return new SourceInUse(
        source,
        source::atHand,
        Optional.of(source),
        other instanceof ControllerSnapshots followed ? Optional.of(followed) : Optional.empty());
  }

  /** The part that keeps snapshots on the disk; empty where a registry is read. */
  Optional<StoredFirst> stored() {
    return stored;
  }

  /** The snapshot that {@link #start} would deliver first, where nothing has to be waited for. */
  Optional<MeshSnapshot> atHand() {
    return atHand.get();
  }

  /** Has the controller told of pods that are in trouble, and of requests; before the start. */
  void tell(TroubledPods pods, NodeMetrics metrics) {
    controller.ifPresent(followed -> {
      followed.tell(pods);
      followed.tell(new Traffic(metrics::podTraffic, metrics::forgetPodTraffic));
    });
  }

  /** Adds what is measured of the source; {@code inForce} is the snapshot of the data plane. */
  void measure(NodeMetrics metrics, Supplier<MeshSnapshot> inForce) {
    stored.ifPresent(metrics::observe);
    controller.ifPresent(followed -> metrics.observe(followed, inForce));
  }

  /** Adds to the answer of `node status`. */
  void describe(ObjectNode status, MeshSnapshot inForce) {
    status.put("snapshotComplete", inForce.isComplete());
    stored.ifPresentOrElse(
        present -> describe(status, present), () -> status.put("snapshotFrom", "registry"));
    controller.ifPresent(followed -> describe(status, inForce, followed.status()));
  }

  /** How long what is in force goes on without anybody: it has no end of its own. */
  OfflineReport.End end() {
    return stored
        .map(StoredFirst::storeStatus)
        .map(store -> snapshotEnd(store.savedAt(), store.problem()))
        .orElseGet(() ->
            new OfflineReport.End(
                "snapshot", "registry", null, "the node reads its registry itself", NONE));
  }

  /** The same of one that was saved then. */
  static OfflineReport.End snapshotEnd(Optional<Instant> savedAt, String problem) {
    String saved =
        savedAt
            .map(at -> "saved at " + at.truncatedTo(ChronoUnit.SECONDS))
            .orElse("not on the disk: a power cut loses it");
    return new OfflineReport.End(
        "snapshot",
        saved,
        null,
        problem.isEmpty() ? "stays in force until another comes" : problem,
        NONE);
  }

  private static void describe(ObjectNode status, StoredFirst stored) {
    StoreStatus store = stored.storeStatus();
    Optional<Duration> age = stored.age();
    status.put(
        "snapshotFrom", stored.isStored() ? "disk" : age.isPresent() ? "controller" : "none yet");
    status.put("snapshotAgeSeconds", age.map(Duration::toSeconds).orElse(-1L));
    status.put(
        "snapshotSavedAt",
        store.savedAt().map(at -> at.truncatedTo(ChronoUnit.SECONDS).toString()).orElse(NONE));
    status.put("snapshotStoreProblem", store.problem().isEmpty() ? NONE : store.problem());
  }

  private static void describe(ObjectNode status, MeshSnapshot inForce, FollowStatus now) {
    status.put("controllerFollowed", now.connected());
    status.put("controllerRevision", now.controllerRevision());
    status.put("snapshotConfirmedAt", now.confirmed().map(Object::toString).orElse("never"));
    String failure = now.failure().isEmpty() ? "" : ": " + now.failure();
    status.put(
        "snapshotProblem",
        inForce == MeshSnapshot.EMPTY
            ? "waiting for the controller, nothing is known of the mesh yet" + failure
            : now.failure().isEmpty() ? "-" : now.failure());
    ArrayNode refused = status.putArray("refusedChange");
    now.refused().forEach(refused::add);
  }

  @Override
  public void start(Consumer<MeshSnapshot> consumer) {
    source.start(consumer);
  }

  @Override
  public boolean tellsOfEveryPod() {
    return source.tellsOfEveryPod();
  }

  @Override
  public void close() {
    source.close();
  }

  /**
   * A source that is read before anybody wants its snapshots: the latest waits for {@link #start}.
   * It calls its consumer under a lock, so that nothing overtakes the first one.
   */
  static final class ReadAheadSource implements SnapshotSource {
    private final SnapshotSource source;
    private @Nullable MeshSnapshot latest; // guarded by this; only before there is a consumer
    private @Nullable Consumer<MeshSnapshot> consumer; // guarded by this

    /** Owns {@code source}, which must not have been started. */
    ReadAheadSource(SnapshotSource source) {
      this.source = source;
    }

    /** Reads; returns when there is a first snapshot. */
    void readAhead() {
      source.start(this::take);
    }

    private synchronized void take(MeshSnapshot read) {
      MeshSnapshot next = read.isGoverned() ? read : MeshSnapshot.EMPTY; // nothing has a meaning
      Consumer<MeshSnapshot> present = consumer;
      if (present == null) {
        latest = next;
      } else {
        present.accept(next);
      }
    }

    /** What {@link #start} would deliver first now; empty where nothing was read ahead. */
    synchronized Optional<MeshSnapshot> atHand() {
      return Optional.ofNullable(latest);
    }

    @Override
    public void start(Consumer<MeshSnapshot> delivered) {
      synchronized (this) {
        MeshSnapshot first = latest;
        if (first != null) {
          latest = null;
          delivered.accept(first);
          consumer = delivered;
          return;
        }
        consumer = delivered;
      }
      source.start(this::take);
    }

    @Override
    public boolean tellsOfEveryPod() {
      return source.tellsOfEveryPod();
    }

    @Override
    public void close() {
      source.close();
    }
  }

  /** Where a daemon's snapshots come from, opened in two steps. For one thread. */
  interface Sources {
    /** Reads what can be read while another daemon has the node's place. */
    void readAhead(Parts parts, NodeReporter reporter);

    /** What was read ahead, if anything was; it may not be the latest any more. */
    Optional<MeshSnapshot> expected();

    /**
     * Opens them, with what was read ahead where that is still the latest.
     *
     * @param interception how pods are intercepted, and why so, in a sentence
     */
    SourceInUse open(Optional<NodeIdentities> identities, String interception);

    /** A registry that the node reads itself. */
    static Sources registry(NodeSettings settings, SnapshotSource registry) {
      ReadAheadSource source = new ReadAheadSource(registry);
      return new Sources() {
        @Override
        public void readAhead(Parts parts, NodeReporter reporter) {
          if (settings.takeOver()) {
            source.readAhead();
          }
        }

        @Override
        public Optional<MeshSnapshot> expected() {
          return source.atHand();
        }

        @Override
        public SourceInUse open(Optional<NodeIdentities> identities, String interception) {
          return SourceInUse.registry(source);
        }
      };
    }

    /** What the disk has, then what the controller of the settings says. */
    static Sources storedFirst(NodeSettings settings, InstantSource clock) {
      return new Sources() {
        private Optional<SnapshotStore> store = Optional.empty();
        private Optional<Stored> ahead = Optional.empty();

        @Override
        public void readAhead(Parts parts, NodeReporter reporter) {
          SnapshotStore opened =
              parts.single(
                  SnapshotStore.open(NodeSettings.snapshots(settings.stateDirectory()), reporter));
          store = Optional.of(opened);
          ahead = opened.load();
        }

        @Override
        public Optional<MeshSnapshot> expected() {
          return ahead.map(Stored::snapshot);
        }

        @Override
        public SourceInUse open(Optional<NodeIdentities> identities, String interception) {
          SnapshotStore opened = store.orElseThrow();
          NodeIdentities node = identities.orElseThrow();
          Optional<Stored> stored = opened.loadAgain(ahead, node.expectedMesh());
          ahead = Optional.empty();
          return SourceInUse.storedFirst(
              opened,
              stored,
              new ControllerSnapshots(
                  node.controller(), stored.map(Stored::snapshot), clock, interception),
              node::mesh,
              clock);
        }
      };
    }
  }
}
