package io.sluice.node;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import java.time.InstantSource;
import java.util.Optional;

/** Where a daemon's snapshots come from, opened in two steps. For one thread. */
interface Sources {
  /** Reads what can be read while another daemon has the node's place. */
  void readAhead(Parts parts, OwnReporter reporter);

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
      public void readAhead(Parts parts, OwnReporter reporter) {
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
  static Sources storedFirst(NodeSettings settings) {
    return new Sources() {
      private Optional<SnapshotStore> store = Optional.empty();
      private Optional<Stored> ahead = Optional.empty();

      @Override
      public void readAhead(Parts parts, OwnReporter reporter) {
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
                node.controller(),
                stored.map(Stored::snapshot),
                InstantSource.system(),
                interception),
            node::mesh);
      }
    };
  }
}
