package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Workload;
import io.sluice.wire.ResourceKey;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What a node needs for its own pods: those as they are; with an enrolled one among them,
 * permissions with a service account of such pods at either end, and in full the services that they
 * may call. One thread.
 */
final class ScopeContent {
  private final MeshSnapshot snapshot;
  private final WholeResources whole;
  private final SetIndex<NamespacedName, NamespacedName> permissionsBySource;
  private final Map<ResourceKey, Resource> resources = new HashMap<>();
  private final Set<NamespacedName> accounts = new HashSet<>();
  private final Set<NamespacedName> granted = new HashSet<>();
  private final Set<NamespacedName> called = new HashSet<>();

  ScopeContent(
      MeshSnapshot snapshot,
      WholeResources whole,
      SetIndex<NamespacedName, NamespacedName> permissionsBySource) {
    this.snapshot = snapshot;
    this.whole = whole;
    this.permissionsBySource = permissionsBySource;
  }

  /** Adds a pod that runs there, or may. */
  void addPod(NamespacedName name) {
    Workload pod = snapshot.workload(name).orElseThrow();
    add(ResourceKey.workload(name));
    if (pod.enrolled()) {
      accounts.add(pod.identity().serviceAccountName());
      for (InetAddress address : pod.addresses()) {
        // Where another pod is found by the address, arrivals are decided by that one.
        Workload owner = snapshot.workloadAt(address).orElse(pod);
        add(ResourceKey.workload(owner.name()));
        granted.add(owner.identity().serviceAccountName());
      }
    }
  }

  /** Adds what the pods' accounts have to do with, when all pods are there. */
  void addGranted(ServiceForms services) {
    granted.addAll(accounts);
    called.addAll(accounts);
    for (NamespacedName account : granted) {
      for (Permission permission : snapshot.permissionsFor(account)) {
        add(ResourceKey.permission(permission.name()));
      }
    }
    for (NamespacedName account : accounts) {
      for (NamespacedName name : permissionsBySource.get(account)) {
        add(ResourceKey.permission(name));
        called.add(snapshot.permission(name).orElseThrow().destination());
      }
    }
    for (NamespacedName account : called) {
      services.of(account).forEach(service -> add(ResourceKey.service(service)));
    }
  }

  private void add(ResourceKey key) {
    Resource resource = whole.get(key);
    if (resource != null) {
      resources.put(key, resource);
    }
  }

  /** Whether one of the pods is enrolled. */
  boolean isBusy() {
    return !accounts.isEmpty();
  }

  Map<ResourceKey, Resource> resources() {
    return resources;
  }

  /** Accounts whose permissions are in it. */
  Set<NamespacedName> granted() {
    return granted;
  }

  /** Accounts whose services are in it. */
  Set<NamespacedName> called() {
    return called;
  }
}
