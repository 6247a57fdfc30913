package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.control.distribution.Encodings.Form;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.Workload;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceKey;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What many nodes are told alike: settings and namespaces every one; pods of other nodes and
 * services each one that has an enrolled pod. One thread.
 */
final class CommonResources {
  private final Encodings encodings;
  private PersistentMap<ResourceKey, Resource> quiet = PersistentMap.empty();
  private PersistentMap<ResourceKey, Resource> busy = PersistentMap.empty();

  CommonResources(Encodings encodings) {
    this.encodings = encodings;
    put(MeshSnapshot.EMPTY.settings());
  }

  /** Takes settings and namespaces where they differ. */
  void update(MeshSnapshot after, SnapshotDifference difference) {
    if (difference.settings()) {
      put(after.settings());
    }
    for (String name : difference.namespaces()) {
      NamespaceMembership membership = after.namespaces().get(name);
      if (membership == null) {
        ResourceKey key = ResourceKey.namespace(name);
        encodings.forget(Form.WHOLE, key);
        everybody(key, null);
      } else {
        everybody(new MeshResource.OfNamespace(name, membership));
      }
    }
  }

  private void put(MeshSettings settings) {
    everybody(new MeshResource.OfSettings(settings));
  }

  private void everybody(MeshResource object) {
    ResourceKey key = object.key();
    everybody(key, encodings.encode(Form.WHOLE, object, quiet.get(key)));
  }

  private void everybody(ResourceKey key, @Nullable Resource resource) {
    quiet = resource == null ? quiet.without(key) : quiet.with(key, resource);
    tell(key, resource);
  }

  /**
   * Tells of the pods as far as it concerns other nodes: all in permissive mode, and otherwise
   * those that are enrolled or share an address with one that is, since a refusal needs to know
   * them too.
   */
  void tellPods(MeshSnapshot after, Set<NamespacedName> names) {
    for (NamespacedName name : names) {
      ResourceKey key = ResourceKey.workload(name);
      Optional<Workload> concerning =
          after
              .workload(name)
              .filter(pod -> pod.nodeName().isPresent() && concernsOthers(pod, after));
      if (concerning.isPresent()) {
        tellReduced(new MeshResource.OfWorkload(Reduction.elsewhere(concerning.get())));
      } else {
        encodings.forget(Form.REDUCED, key);
        tell(key, null);
      }
    }
  }

  private static boolean concernsOthers(Workload pod, MeshSnapshot snapshot) {
    return snapshot.settings().permissive()
        || pod.enrolled()
        || pod.addresses().stream()
            .flatMap(address -> snapshot.workloadsAt(address).stream())
            .anyMatch(Workload::enrolled);
  }

  /** Tells nodes with an enrolled pod of {@code object}, which is in its reduced form. */
  void tellReduced(MeshResource object) {
    ResourceKey key = object.key();
    tell(key, encodings.encode(Form.REDUCED, object, busy.get(key)));
  }

  /** Tells nodes with an enrolled pod this under that name, or nothing where it is null. */
  void tell(ResourceKey key, @Nullable Resource resource) {
    busy = resource == null ? busy.without(key) : busy.with(key, resource);
  }

  /** For every node. */
  PersistentMap<ResourceKey, Resource> quiet() {
    return quiet;
  }

  /** For every node with an enrolled pod. */
  PersistentMap<ResourceKey, Resource> busy() {
    return busy;
  }
}
