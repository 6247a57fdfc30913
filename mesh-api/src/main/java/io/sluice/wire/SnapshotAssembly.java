package io.sluice.wire;

import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotEditor;
import java.util.Collection;

/** Makes a snapshot of resources. */
public final class SnapshotAssembly {
  private SnapshotAssembly() {}

  /** The snapshot that holds {@code resources}; closed where there are no settings among them. */
  public static MeshSnapshot of(long revision, Collection<MeshResource> resources) {
    SnapshotEditor editor = MeshSnapshot.EMPTY.edit();
    resources.forEach(resource -> put(editor, resource));
    return editor.snapshot(revision);
  }

  /** Adds {@code resource}, or replaces the one of its name. */
  public static void put(SnapshotEditor editor, MeshResource resource) {
    switch (resource) {
      case MeshResource.OfWorkload one -> editor.put(one.workload());
      case MeshResource.OfService one -> editor.put(one.service());
      case MeshResource.OfPermission one -> editor.put(one.permission());
      case MeshResource.OfSettings one -> editor.put(one.settings());
      case MeshResource.OfNamespace one -> editor.put(one.name(), one.membership());
    }
  }

  /** Removes what has the name of {@code resource}; settings that are removed leave it closed. */
  public static void remove(SnapshotEditor editor, MeshResource resource) {
    switch (resource) {
      case MeshResource.OfWorkload one -> editor.removeWorkload(one.workload().name());
      case MeshResource.OfService one -> editor.removeService(one.service().name());
      case MeshResource.OfPermission one -> editor.removePermission(one.permission().name());
      case MeshResource.OfSettings _ -> editor.put(MeshSettings.CLOSED);
      case MeshResource.OfNamespace one -> editor.removeNamespace(one.name());
    }
  }
}
