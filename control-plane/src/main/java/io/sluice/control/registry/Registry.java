package io.sluice.control.registry;

import io.sluice.mesh.SnapshotSource;

/** The objects of a site as a source of snapshots, with what is wrong among them. */
public interface Registry extends SnapshotSource {
  /** State after the latest look at the objects. Any thread; never blocks. */
  RegistryStatus status();
}
