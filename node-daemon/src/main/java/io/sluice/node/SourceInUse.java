package io.sluice.node;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.distribution.FollowStatus;
import io.sluice.node.identity.NodeIdentities;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Where this daemon's snapshots come from, and what its status says of that. */
final class SourceInUse implements SnapshotSource {
  private final SnapshotSource source;
  private final Optional<ControllerSnapshots> controller;

  private SourceInUse(SnapshotSource source, Optional<ControllerSnapshots> controller) {
    this.source = source;
    this.controller = controller;
  }

  /** The given one, else the controller that also gives certificates. */
  static SourceInUse of(@Nullable SnapshotSource given, Optional<NodeIdentities> identities) {
    if (given != null) {
      return new SourceInUse(given, Optional.empty());
    }
    ControllerSnapshots followed =
        new ControllerSnapshots(
            identities.orElseThrow().controller(), Optional.empty(), InstantSource.system());
    return new SourceInUse(followed, Optional.of(followed));
  }

  /** Adds to the answer of `node status`. */
  void describe(ObjectNode status, MeshSnapshot inForce) {
    status.put("snapshotSource", controller.isPresent() ? "controller" : "registry");
    status.put("snapshotComplete", source.isComplete());
    controller.ifPresent(followed -> describe(status, inForce, followed.status()));
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
  public boolean isComplete() {
    return source.isComplete();
  }

  @Override
  public void close() {
    source.close();
  }
}
