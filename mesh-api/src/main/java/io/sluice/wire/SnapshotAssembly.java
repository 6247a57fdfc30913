package io.sluice.wire;

import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes a snapshot of resources. */
public final class SnapshotAssembly {
  private SnapshotAssembly() {}

  /** The snapshot that holds {@code resources}; closed where there are no settings among them. */
  public static MeshSnapshot of(long revision, Collection<MeshResource> resources) {
    MeshSettings settings = MeshSettings.CLOSED;
    List<Workload> workloads = new ArrayList<>();
    List<Service> services = new ArrayList<>();
    List<Permission> permissions = new ArrayList<>();
    Map<String, NamespaceMembership> namespaces = new HashMap<>();
    for (MeshResource resource : resources) {
      switch (resource) {
        case MeshResource.OfWorkload one -> workloads.add(one.workload());
        case MeshResource.OfService one -> services.add(one.service());
        case MeshResource.OfPermission one -> permissions.add(one.permission());
        case MeshResource.OfSettings one -> settings = one.settings();
        case MeshResource.OfNamespace one -> namespaces.put(one.name(), one.membership());
      }
    }
    return new MeshSnapshot(revision, settings, workloads, services, permissions, namespaces);
  }
}
