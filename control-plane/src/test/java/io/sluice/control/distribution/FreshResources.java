package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.UnusableResourceException;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What each node needs of one snapshot, computed from all of it and nothing else: what {@link
 * ResourceSets} is held to.
 */
final class FreshResources {
  private final MeshSnapshot snapshot;
  private final Map<ResourceKey, Resource> quiet = new HashMap<>();
  private final Map<ResourceKey, Resource> busy;
  private final Map<ResourceKey, Resource> whole = new HashMap<>();
  private final Map<String, List<Workload>> podsByNode = new HashMap<>();
  private final List<Workload> unplaced = new ArrayList<>();
  private final Map<NamespacedName, List<Permission>> permissionsBySource = new HashMap<>();
  private final Map<NamespacedName, List<ResourceKey>> reducedByAccount = new HashMap<>();
  private final Set<String> problems = new TreeSet<>();

  FreshResources(MeshSnapshot snapshot) {
    this.snapshot = snapshot;
    snapshot.all(Kind.SETTINGS).forEach(one -> put(quiet, encode(one)));
    snapshot.all(Kind.NAMESPACE).forEach(one -> put(quiet, encode(one)));
    busy = new HashMap<>(quiet);
    snapshot.all(Kind.ROUTE).forEach(one -> put(busy, encode(one)));
    snapshot.all(Kind.RETRY).forEach(one -> put(busy, encode(one)));
    snapshot.all(Kind.UPSTREAM_SETTING).forEach(one -> put(busy, encode(one)));
    snapshot.all(Kind.EGRESS).forEach(one -> put(busy, encode(one)));
    snapshot.all(Kind.DATAGRAM_PERMISSION).forEach(one -> put(busy, encode(one)));
    snapshot.all(Kind.DATAGRAM_SERVICE).forEach(one -> put(busy, encode(one)));
    snapshot.all(Kind.INGRESS).forEach(one -> put(busy, encode(one)));
    snapshot.all(Kind.ACCESS_LOG).forEach(one -> put(busy, encode(one)));
    addPods();
    addServices();
    addPermissions();
  }

  private Optional<Resource> encode(MeshObject object) {
    try {
      return Optional.of(ResourceEncoder.encode(object));
    } catch (UnusableResourceException e) {
      problems.add(String.valueOf(e.getMessage()));
      return Encodings.closed(object).flatMap(FreshResources::usable);
    }
  }

  private static Optional<Resource> usable(MeshObject object) {
    try {
      return Optional.of(ResourceEncoder.encode(object));
    } catch (UnusableResourceException e) {
      return Optional.empty();
    }
  }

  /** Objects that no node is told of as they are, and why. */
  Set<String> problems() {
    return problems;
  }

  private static void put(Map<ResourceKey, Resource> into, Optional<Resource> resource) {
    resource.ifPresent(present -> into.put(ResourceKey.parse(present.getName()), present));
  }

  private void addPods() {
    Set<InetAddress> enrolled = new HashSet<>();
    for (Workload pod : snapshot.workloads()) {
      if (pod.enrolled()) {
        enrolled.addAll(pod.addresses());
      }
    }
    for (Workload pod : snapshot.workloads()) {
      put(whole, encode(pod));
      String node = pod.nodeNameOrNull();
      if (node == null) {
        unplaced.add(pod);
      } else {
        podsByNode.computeIfAbsent(node, name -> new ArrayList<>()).add(pod);
        if (snapshot.settings().permissive()
            || pod.enrolled()
            || pod.addresses().stream().anyMatch(enrolled::contains)) {
          put(busy, encode(Reduction.elsewhere(pod)));
        }
      }
    }
  }

  private void addServices() {
    for (Service service : snapshot.services()) {
      Optional<Resource> full = encode(service);
      Optional<Service> reduced =
          snapshot.settings().permissive()
              ? Optional.empty()
              : Reduction.notCallable(service, snapshot).filter(less -> !less.equals(service));
      if (reduced.isEmpty()) {
        put(busy, full);
      } else if (full.isPresent()) {
        put(whole, full);
        put(busy, encode(reduced.get()));
        for (NamespacedName account : Reduction.accounts(service, snapshot)) {
          reducedByAccount
              .computeIfAbsent(account, name -> new ArrayList<>())
              .add(Kind.SERVICE.key(service.name()));
        }
      }
    }
  }

  private void addPermissions() {
    for (Permission permission : snapshot.permissions()) {
      put(whole, encode(permission));
      for (NamespacedName source : permission.sources()) {
        permissionsBySource.computeIfAbsent(source, name -> new ArrayList<>()).add(permission);
      }
    }
  }

  /** What the node of that name needs. */
  Map<ResourceKey, Resource> toldTo(String nodeName) {
    Map<ResourceKey, Resource> own = new HashMap<>();
    Set<NamespacedName> accounts = new HashSet<>();
    addOwn(podsByNode.getOrDefault(nodeName, List.of()), own, accounts);
    addOwn(unplaced, own, accounts);
    if (accounts.isEmpty()) {
      return over(quiet, own);
    }
    Set<NamespacedName> callable = new HashSet<>(accounts);
    for (NamespacedName account : accounts) {
      snapshot.permissionsFor(account).forEach(granted -> add(granted, own));
      for (Permission granted : permissionsBySource.getOrDefault(account, List.of())) {
        add(granted, own);
        callable.add(granted.destination());
      }
    }
    for (NamespacedName account : callable) {
      reducedByAccount.getOrDefault(account, List.of()).forEach(service -> add(service, own));
    }
    return over(busy, own);
  }

  private void addOwn(
      Collection<Workload> pods, Map<ResourceKey, Resource> own, Set<NamespacedName> accounts) {
    for (Workload pod : pods) {
      add(Kind.WORKLOAD.key(pod.name()), own);
      if (pod.enrolled()) {
        accounts.add(pod.identity().serviceAccountName());
        pod.addresses().forEach(address -> addOwner(address, pod, own));
      }
    }
  }

  /** Where another pod is found by the address of this one, arrivals are decided by that one. */
  private void addOwner(InetAddress address, Workload pod, Map<ResourceKey, Resource> own) {
    Workload owner = snapshot.workloadAt(address).orElse(pod);
    if (owner != pod) {
      add(Kind.WORKLOAD.key(owner.name()), own);
      snapshot
          .permissionsFor(owner.identity().serviceAccountName())
          .forEach(granted -> add(granted, own));
    }
  }

  private void add(Permission permission, Map<ResourceKey, Resource> own) {
    add(Kind.PERMISSION.key(permission.name()), own);
  }

  private void add(ResourceKey key, Map<ResourceKey, Resource> own) {
    put(own, Optional.ofNullable(whole.get(key)));
  }

  /** Everything in {@code view}. */
  static Map<ResourceKey, Resource> all(NodeResources view) {
    return over(view.base(), view.overlay());
  }

  private static Map<ResourceKey, Resource> over(
      Map<ResourceKey, Resource> base, Map<ResourceKey, Resource> own) {
    Map<ResourceKey, Resource> all = new HashMap<>(base);
    all.putAll(own);
    return all;
  }
}
