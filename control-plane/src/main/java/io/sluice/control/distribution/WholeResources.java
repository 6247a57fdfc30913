package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.control.distribution.Encodings.Form;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceKey;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What only some nodes are told, as it is: pods, permissions, services. One thread. */
final class WholeResources {
  private final Encodings encodings;
  private final Map<ResourceKey, Resource> resources = new HashMap<>();

  WholeResources(Encodings encodings) {
    this.encodings = encodings;
  }

  /** Takes the pods and permissions that differ. */
  void update(MeshSnapshot after, SnapshotDifference difference) {
    difference
        .workloads()
        .forEach(name ->
            after
                .workload(name)
                .ifPresentOrElse(
                    pod -> put(new MeshResource.OfWorkload(pod)),
                    () -> remove(ResourceKey.workload(name))));
    difference
        .permissions()
        .forEach(name ->
            after
                .permission(name)
                .ifPresentOrElse(
                    permission -> put(new MeshResource.OfPermission(permission)),
                    () -> remove(ResourceKey.permission(name))));
  }

  /** What {@code object} is told as; null where it cannot be. */
  @Nullable Resource put(MeshResource object) {
    ResourceKey key = object.key();
    Resource encoded = encodings.encode(Form.WHOLE, object, resources.get(key));
    if (encoded == null) {
      resources.remove(key);
    } else {
      resources.put(key, encoded);
    }
    return encoded;
  }

  void remove(ResourceKey key) {
    resources.remove(key);
    encodings.forget(Form.WHOLE, key);
  }

  @Nullable Resource get(ResourceKey key) {
    return resources.get(key);
  }
}
