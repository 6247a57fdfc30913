package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What one node needs for its own pods: those as they are; with an enrolled one among them,
 * permissions with a service account of such pods at either end, and in full the services that they
 * may call. One thread.
 */
final class NodeScope {
  private final Set<NamespacedName> accounts = new HashSet<>();
  private final Set<NamespacedName> granted = new HashSet<>();
  private final Set<NamespacedName> called = new HashSet<>();
  private PersistentMap<ResourceKey, Resource> overlay = PersistentMap.empty();

  /** Where its parts come from. */
  record Mesh(MeshSnapshot snapshot, Encodings encodings, ServiceForms services) {
    /** Pods that are placed on it. */
    List<Workload> podsOf(String nodeName) {
      return snapshot.find(Kind.WORKLOAD, Kind.WORKLOADS_BY_NODE, nodeName);
    }
  }

  /** Of a node without pods. */
  NodeScope() {}

  /**
   * Of a node with these pods; shares with {@code former} what is the same. Costs what runs there.
   */
  NodeScope(List<Workload> pods, List<Workload> unplaced, Mesh mesh, NodeScope former) {
    Map<ResourceKey, Resource> wanted = new HashMap<>();
    pods.forEach(pod -> addPod(pod, mesh, wanted));
    unplaced.forEach(pod -> addPod(pod, mesh, wanted));
    granted.addAll(accounts);
    called.addAll(accounts);
    for (NamespacedName account : granted) {
      for (Permission permission : mesh.snapshot().permissionsFor(account)) {
        add(permission.key(), mesh, wanted);
      }
    }
    for (NamespacedName account : accounts) {
      for (Permission permission :
          mesh.snapshot().find(Kind.PERMISSION, Kind.PERMISSIONS_BY_SOURCE, account)) {
        add(permission.key(), mesh, wanted);
        called.add(permission.destination());
      }
    }
    for (NamespacedName account : called) {
      mesh.services().of(account).forEach(name -> add(Kind.SERVICE.key(name), mesh, wanted));
    }
    overlay = edited(former.overlay, wanted);
  }

  private void addPod(Workload pod, Mesh mesh, Map<ResourceKey, Resource> wanted) {
    add(pod.key(), mesh, wanted);
    if (pod.enrolled()) {
      accounts.add(pod.identity().serviceAccountName());
      for (InetAddress address : pod.addresses()) {
        // Where another pod is found by the address, arrivals are decided by that one.
        Workload owner = mesh.snapshot().workloadAt(address).orElse(pod);
        add(owner.key(), mesh, wanted);
        granted.add(owner.identity().serviceAccountName());
      }
    }
  }

  private static void add(ResourceKey key, Mesh mesh, Map<ResourceKey, Resource> wanted) {
    Resource resource = mesh.encodings().whole(key);
    if (resource != null) {
      wanted.put(key, resource);
    }
  }

  private static PersistentMap<ResourceKey, Resource> edited(
      PersistentMap<ResourceKey, Resource> former, Map<ResourceKey, Resource> wanted) {
    PersistentMap<ResourceKey, Resource> edited = former;
    for (ResourceKey key : former.keySet()) {
      if (!wanted.containsKey(key)) {
        edited = edited.without(key);
      }
    }
    for (Map.Entry<ResourceKey, Resource> entry : wanted.entrySet()) {
      edited = edited.with(entry.getKey(), entry.getValue());
    }
    return edited;
  }

  /**
   * Brings it up to date where the pods are the same. Costs what is named.
   *
   * @param permissions that differ
   * @param destinations of those, before and now
   * @param services that are told otherwise
   * @return accounts of {@code destinations} that could be called before and cannot now, or the
   *     other way round
   */
  Set<NamespacedName> recheck(
      Mesh mesh,
      Set<NamespacedName> permissions,
      Set<NamespacedName> destinations,
      Set<NamespacedName> services) {
    for (NamespacedName name : permissions) {
      tell(
          Kind.PERMISSION.key(name),
          mesh.snapshot().permission(name).filter(this::concerns).isPresent(),
          mesh);
    }
    Set<NamespacedName> candidates = new HashSet<>(services);
    Set<NamespacedName> flipped = new HashSet<>();
    for (NamespacedName destination : destinations) {
      boolean now = mayCall(destination, mesh.snapshot());
      if (now ? called.add(destination) : called.remove(destination)) {
        flipped.add(destination);
        candidates.addAll(mesh.services().of(destination));
      }
    }
    for (NamespacedName service : candidates) {
      Set<NamespacedName> behind = mesh.services().accountsOf(service);
      tell(Kind.SERVICE.key(service), !Collections.disjoint(behind, called), mesh);
    }
    return flipped;
  }

  private boolean concerns(Permission permission) {
    return granted.contains(permission.destination())
        || !Collections.disjoint(permission.sources(), accounts);
  }

  private boolean mayCall(NamespacedName account, MeshSnapshot snapshot) {
    return accounts.contains(account)
        || snapshot.permissionsFor(account).stream()
            .anyMatch(permission -> !Collections.disjoint(permission.sources(), accounts));
  }

  private void tell(ResourceKey key, boolean wanted, Mesh mesh) {
    Resource resource = wanted ? mesh.encodings().whole(key) : null;
    overlay = resource == null ? overlay.without(key) : overlay.with(key, resource);
  }

  /** Whether one of the pods is enrolled. */
  boolean isBusy() {
    return !accounts.isEmpty();
  }

  PersistentMap<ResourceKey, Resource> overlay() {
    return overlay;
  }

  /** Accounts whose permissions are in it, to be read before the next change. */
  Set<NamespacedName> granted() {
    return granted;
  }

  /** Accounts whose services are in it, to be read before the next change. */
  Set<NamespacedName> called() {
    return called;
  }
}
