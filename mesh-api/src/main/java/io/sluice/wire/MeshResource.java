package io.sluice.wire;

import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;

/** One resource, decoded. */
public sealed interface MeshResource {
  /** Which one it is. */
  ResourceKey key();

  /** A pod. */
  record OfWorkload(Workload workload) implements MeshResource {
    @Override
    public ResourceKey key() {
      return ResourceKey.workload(workload.name());
    }
  }

  /** A name that clients call. */
  record OfService(Service service) implements MeshResource {
    @Override
    public ResourceKey key() {
      return ResourceKey.service(service.name());
    }
  }

  /** What one TrafficTarget grants. */
  record OfPermission(Permission permission) implements MeshResource {
    @Override
    public ResourceKey key() {
      return ResourceKey.permission(permission.name());
    }
  }

  /** The mesh-wide settings. */
  record OfSettings(MeshSettings settings) implements MeshResource {
    @Override
    public ResourceKey key() {
      return ResourceKey.SETTINGS;
    }
  }

  /** A Kubernetes namespace. */
  record OfNamespace(String name, NamespaceMembership membership) implements MeshResource {
    @Override
    public ResourceKey key() {
      return ResourceKey.namespace(name);
    }
  }
}
