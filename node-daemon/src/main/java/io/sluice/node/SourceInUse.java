package io.sluice.node;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.distribution.FollowStatus;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.store.ConfirmedSource;
import io.sluice.node.store.MeshMark;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.StoreStatus;
import io.sluice.node.store.Stored;
import io.sluice.node.store.StoredFirst;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

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
      Supplier<MeshMark> meshes) {
    StoredFirst source = new StoredFirst(store, loaded, other, meshes);
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
}
