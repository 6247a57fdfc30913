package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.control.distribution.Encodings.Form;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceKey;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One snapshot as resources, and what each node needs of it so that it decides as with all of it.
 *
 * <p>Every node: settings, namespaces, and its own pods as they are; a pod without a node may be
 * anybody's. A node with an enrolled pod: permissions with a service account of such pods at either
 * end; of other nodes' pods, in a reduced form, all in permissive mode, and otherwise those that
 * are enrolled or share an address with one that is, since a refusal needs to know them as well;
 * every service, in full where it may be called. Immutable, but for remembered differences.
 */
final class ResourceSet {
  private static final int DIFFERENCES_KEPT = 8;

  private final MeshSnapshot snapshot;
  private final boolean complete;
  private final List<String> problems;
  private final long madeNanos = System.nanoTime();
  private final View.Base quiet;
  private final View.Base busy;
  private final Map<ResourceKey, Resource> whole = new HashMap<>();
  private final Map<String, List<Workload>> podsByNode = new HashMap<>();
  private final List<Workload> unplaced = new ArrayList<>();
  private final Map<NamespacedName, List<Permission>> permissionsBySource = new HashMap<>();
  private final Map<NamespacedName, List<ResourceKey>> reducedByAccount = new HashMap<>();
  private final Map<View.Base, Set<ResourceKey>> differences = new IdentityHashMap<>();

  /** Encodes what of {@code snapshot} has changed since {@code encodings} saw the one before. */
  ResourceSet(MeshSnapshot snapshot, boolean complete, Encodings encodings) {
    this.snapshot = snapshot;
    this.complete = complete;
    encodings.begin();
    Map<ResourceKey, Resource> common = new HashMap<>();
    put(common, encodings.encode(Form.WHOLE, new MeshResource.OfSettings(snapshot.settings())));
    for (Map.Entry<String, NamespaceMembership> one : snapshot.namespaces().entrySet()) {
      put(
          common,
          encodings.encode(Form.WHOLE, new MeshResource.OfNamespace(one.getKey(), one.getValue())));
    }
    Map<ResourceKey, Resource> others = new HashMap<>(common);
    addPods(others, encodings);
    addServices(others, encodings);
    addPermissions(encodings);
    this.quiet = new View.Base(common, true);
    this.busy = new View.Base(others, true);
    this.problems = encodings.problems();
  }

  private static void put(Map<ResourceKey, Resource> into, Optional<Resource> resource) {
    resource.ifPresent(present -> into.put(ResourceKey.of(present), present));
  }

  private void addPods(Map<ResourceKey, Resource> others, Encodings encodings) {
    Set<InetAddress> enrolled = new HashSet<>();
    for (Workload pod : snapshot.workloads()) {
      if (pod.enrolled()) {
        enrolled.addAll(pod.addresses());
      }
    }
    for (Workload pod : snapshot.workloads()) {
      put(whole, encodings.encode(Form.WHOLE, new MeshResource.OfWorkload(pod)));
      String node = pod.nodeNameOrNull();
      if (node == null) {
        unplaced.add(pod);
      } else {
        podsByNode.computeIfAbsent(node, name -> new ArrayList<>()).add(pod);
        if (snapshot.settings().permissive()
            || pod.enrolled()
            || pod.addresses().stream().anyMatch(enrolled::contains)) {
          put(
              others,
              encodings.encode(
                  Form.REDUCED, new MeshResource.OfWorkload(Reduction.elsewhere(pod))));
        }
      }
    }
  }

  private void addServices(Map<ResourceKey, Resource> others, Encodings encodings) {
    for (Service service : snapshot.services()) {
      Optional<Resource> full = encodings.encode(Form.WHOLE, new MeshResource.OfService(service));
      Optional<Service> reduced =
          snapshot.settings().permissive()
              ? Optional.empty()
              : Reduction.notCallable(service, snapshot).filter(less -> !less.equals(service));
      if (reduced.isEmpty()) {
        put(others, full);
      } else if (full.isPresent()) {
        put(whole, full);
        put(others, encodings.encode(Form.REDUCED, new MeshResource.OfService(reduced.get())));
        for (NamespacedName account : Reduction.accounts(service, snapshot)) {
          reducedByAccount
              .computeIfAbsent(account, name -> new ArrayList<>())
              .add(ResourceKey.service(service.name()));
        }
      }
    }
  }

  private void addPermissions(Encodings encodings) {
    for (Permission permission : snapshot.permissions()) {
      put(whole, encodings.encode(Form.WHOLE, new MeshResource.OfPermission(permission)));
      for (NamespacedName source : permission.sources()) {
        permissionsBySource.computeIfAbsent(source, name -> new ArrayList<>()).add(permission);
      }
    }
  }

  /** What the node of that name needs. */
  View viewOf(String nodeName) {
    Map<ResourceKey, Resource> own = new HashMap<>();
    Set<NamespacedName> accounts = new HashSet<>();
    addOwn(podsByNode.getOrDefault(nodeName, List.of()), own, accounts);
    addOwn(unplaced, own, accounts);
    if (accounts.isEmpty()) {
      return new View(quiet, Map.copyOf(own));
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
    return new View(busy, Map.copyOf(own));
  }

  private void addOwn(
      Collection<Workload> pods, Map<ResourceKey, Resource> own, Set<NamespacedName> accounts) {
    for (Workload pod : pods) {
      add(ResourceKey.workload(pod.name()), own);
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
      add(ResourceKey.workload(owner.name()), own);
      snapshot
          .permissionsFor(owner.identity().serviceAccountName())
          .forEach(granted -> add(granted, own));
    }
  }

  private void add(Permission permission, Map<ResourceKey, Resource> own) {
    add(ResourceKey.permission(permission.name()), own);
  }

  private void add(ResourceKey key, Map<ResourceKey, Resource> own) {
    put(own, Optional.ofNullable(whole.get(key)));
  }

  /** What leads from {@code from} to {@code to}, which is of this set; any thread. */
  Delta delta(View from, View to) {
    return Delta.between(from, to, difference(from.base(), to.base()));
  }

  /** The common part is compared once for all nodes that have the same. */
  private Set<ResourceKey> difference(View.Base from, View.Base to) {
    if (!from.isShared || to != busy) {
      return Delta.difference(from, to);
    }
    synchronized (differences) {
      Set<ResourceKey> known = differences.get(from);
      if (known == null) {
        known = Delta.difference(from, to);
        if (differences.size() < DIFFERENCES_KEPT) {
          differences.put(from, known);
        }
      }
      return known;
    }
  }

  /** Whether the settings can be told; without them nothing else has a meaning. */
  boolean isUsable() {
    return quiet.resources.containsKey(ResourceKey.SETTINGS);
  }

  long revision() {
    return snapshot.revision();
  }

  MeshSnapshot snapshot() {
    return snapshot;
  }

  boolean isComplete() {
    return complete;
  }

  /** Objects that no node is told of, and why. */
  List<String> problems() {
    return problems;
  }

  /** When it was made, by {@link System#nanoTime}. */
  long madeNanos() {
    return madeNanos;
  }
}
