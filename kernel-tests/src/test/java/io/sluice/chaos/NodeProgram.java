package io.sluice.chaos;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.store.MeshMark;
import io.sluice.node.store.SnapshotFormat;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.node.store.StoredFirst;
import io.sluice.proxy.tls.TlsPolicy;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What of a node follows the controller, until it is killed: identity, stream, store. Says {@code
 * fault WHAT} of its store; holds the snapshot in force, as the store would write it. Arguments:
 * directory, name, address of the controller.
 */
final class NodeProgram {
  /** Before what is wrong with the store. */
  static final String FAULT = "fault ";

  /** Below the directory: the join token. */
  static final String TOKEN = "token";

  /** Below the directory: what the store keeps. */
  static final String SNAPSHOT = "snapshot";

  private NodeProgram() {}

  public static void main(String[] arguments) {
    Path home = Path.of(arguments[0]);
    SnapshotStore store =
        SnapshotStore.open(home.resolve(SNAPSHOT), (fault, problem) -> Dumps.say(FAULT + problem));
    Optional<Stored> stored = store.load();
    NodeIdentities identities =
        NodeIdentities.start(
            arguments[1],
            home.resolve("identity"),
            new ControlSettings(
                ControlAddress.parse(arguments[2]),
                new ControlSettings.Admission.JoinToken(home.resolve(TOKEN)),
                false,
                null),
            TlsPolicy.OPEN);
    StoredFirst source =
        new StoredFirst(
            store,
            stored,
            new ControllerSnapshots(
                identities.controller(), stored.map(Stored::snapshot), InstantSource.system(), ""),
            () -> MeshMark.UNKNOWN,
            InstantSource.system());
    AtomicReference<MeshSnapshot> inForce = new AtomicReference<>(MeshSnapshot.EMPTY);
    Dumps.serve(() -> {
      MeshSnapshot now = Objects.requireNonNull(inForce.get());
      return now.equals(MeshSnapshot.EMPTY)
          ? new byte[0] // it was started anew, and has none yet
          : SnapshotFormat.write(
              1,
              new Stored(
                  now.withRevision(Math.max(1, now.revision())), Instant.now(), MeshMark.UNKNOWN));
    });
    source.start(inForce::set);
  }
}
