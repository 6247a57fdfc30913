package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.distribution.Encodings.Form;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.Workload;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What many nodes are told alike: every one of settings, namespaces and whatever else is not
 * rationed; of routes, retries, pods of other nodes and services each one that has an enrolled pod.
 * One thread.
 */
final class CommonResources {
  /** Kinds that only pods of the mesh make use of. */
  private static final Set<Kind<?>> OF_PODS =
      Set.of(
          Kind.ROUTE,
          Kind.RETRY,
          Kind.UPSTREAM_SETTING,
          Kind.DATAGRAM_PERMISSION,
          Kind.DATAGRAM_SERVICE,
          Kind.INGRESS,
          Kind.EGRESS,
          Kind.ACCESS_LOG);

  /** Kinds of which a node is told no more than it needs. */
  private static final Set<Kind<?>> RATIONED = Set.of(Kind.WORKLOAD, Kind.SERVICE, Kind.PERMISSION);

  private final Encodings encodings;
  private PersistentMap<ResourceKey, Resource> quiet = PersistentMap.empty();
  private PersistentMap<ResourceKey, Resource> busy = PersistentMap.empty();

  CommonResources(Encodings encodings) {
    this.encodings = encodings;
  }

  /** Takes what every node is told, where it differs. */
  void update(SnapshotDifference difference) {
    for (Kind<?> kind : difference.kinds()) {
      if (!RATIONED.contains(kind)) {
        for (Change<?> change : difference.of(kind)) {
          ResourceKey key = change.key();
          MeshObject after = change.afterOrNull();
          if (after == null) {
            encodings.forget(Form.WHOLE, key);
          }
          Resource resource =
              after == null ? null : encodings.encode(Form.WHOLE, after, busy.get(key));
          if (!OF_PODS.contains(kind)) {
            quiet = resource == null ? quiet.without(key) : quiet.with(key, resource);
          }
          tell(key, resource);
        }
      }
    }
  }

  /**
   * Tells of the pods as far as it concerns other nodes: all in permissive mode, and otherwise
   * those that are enrolled or share an address with one that is, since a refusal needs to know
   * them too.
   */
  void tellPods(MeshSnapshot after, Set<NamespacedName> names) {
    for (NamespacedName name : names) {
      ResourceKey key = Kind.WORKLOAD.key(name);
      Optional<Workload> concerning =
          after
              .workload(name)
              .filter(pod -> pod.nodeName().isPresent() && concernsOthers(pod, after));
      if (concerning.isPresent()) {
        tellReduced(Reduction.elsewhere(concerning.get()));
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
  void tellReduced(MeshObject object) {
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
