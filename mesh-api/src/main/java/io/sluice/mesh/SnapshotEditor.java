package io.sluice.mesh;

import io.sluice.mesh.ResourceName.Type;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Makes a snapshot from an earlier one. Costs what the change costs: the two share what is the same
 * in both. What is put and equals what is there is no change. Confined to one thread.
 */
public final class SnapshotEditor {
  private final Set<ResourceName> changed = new HashSet<>();
  private MeshSettings settings;
  private PersistentMap<NamespacedName, Workload> workloads;
  private PersistentMap<InetAddress, List<Workload>> workloadsByAddress;
  private PersistentMap<NamespacedName, Service> services;
  private PersistentMap<InetAddress, List<Service>> servicesByAddress;
  private PersistentMap<NamespacedName, Permission> permissions;
  private PersistentMap<NamespacedName, List<Permission>> permissionsByDestination;
  private PersistentMap<String, NamespaceMembership> namespaces;

  SnapshotEditor(MeshSnapshot.Content base) {
    this.settings = base.settings();
    this.workloads = base.workloads();
    this.workloadsByAddress = base.workloadsByAddress();
    this.services = base.services();
    this.servicesByAddress = base.servicesByAddress();
    this.permissions = base.permissions();
    this.permissionsByDestination = base.permissionsByDestination();
    this.namespaces = base.namespaces();
  }

  /** Replaces the mesh-wide settings. */
  public void put(MeshSettings now) {
    if (!now.equals(settings)) {
      settings = now;
      changed.add(ResourceName.SETTINGS);
    }
  }

  /** Adds the workload, or replaces the one of its name. */
  public void put(Workload workload) {
    if (!workload.equals(workloads.get(workload.name()))) {
      removeWorkload(workload.name());
      workloads = workloads.with(workload.name(), workload);
      for (InetAddress address : workload.addresses()) {
        workloadsByAddress = added(workloadsByAddress, address, workload, Workload::name);
      }
      changed.add(ResourceName.of(Type.WORKLOAD, workload.name()));
    }
  }

  /** Removes the workload of that name, if there is one. */
  public void removeWorkload(NamespacedName name) {
    Workload before = workloads.get(name);
    if (before != null) {
      workloads = workloads.without(name);
      for (InetAddress address : before.addresses()) {
        workloadsByAddress = removed(workloadsByAddress, address, before);
      }
      changed.add(ResourceName.of(Type.WORKLOAD, name));
    }
  }

  /** Adds the service, or replaces the one of its name. */
  public void put(Service service) {
    if (!service.equals(services.get(service.name()))) {
      removeService(service.name());
      services = services.with(service.name(), service);
      for (InetAddress address : service.virtualAddresses()) {
        servicesByAddress = added(servicesByAddress, address, service, Service::name);
      }
      changed.add(ResourceName.of(Type.SERVICE, service.name()));
    }
  }

  /** Removes the service of that name, if there is one. */
  public void removeService(NamespacedName name) {
    Service before = services.get(name);
    if (before != null) {
      services = services.without(name);
      for (InetAddress address : before.virtualAddresses()) {
        servicesByAddress = removed(servicesByAddress, address, before);
      }
      changed.add(ResourceName.of(Type.SERVICE, name));
    }
  }

  /** Adds the permission, or replaces the one of its name. */
  public void put(Permission permission) {
    if (!permission.equals(permissions.get(permission.name()))) {
      removePermission(permission.name());
      permissions = permissions.with(permission.name(), permission);
      permissionsByDestination =
          added(permissionsByDestination, permission.destination(), permission, Permission::name);
      changed.add(ResourceName.of(Type.PERMISSION, permission.name()));
    }
  }

  /** Removes the permission of that name, if there is one. */
  public void removePermission(NamespacedName name) {
    Permission before = permissions.get(name);
    if (before != null) {
      permissions = permissions.without(name);
      permissionsByDestination = removed(permissionsByDestination, before.destination(), before);
      changed.add(ResourceName.of(Type.PERMISSION, name));
    }
  }

  /** Says what holds for the pods of a Kubernetes namespace. */
  public void put(String namespace, NamespaceMembership membership) {
    if (membership != namespaces.get(namespace)) {
      namespaces = namespaces.with(namespace, membership);
      changed.add(new ResourceName(Type.NAMESPACE, namespace));
    }
  }

  /** Forgets a Kubernetes namespace, if it is known. */
  public void removeNamespace(String namespace) {
    if (namespaces.containsKey(namespace)) {
      namespaces = namespaces.without(namespace);
      changed.add(new ResourceName(Type.NAMESPACE, namespace));
    }
  }

  /**
   * What was put, replaced or removed so far, in order of type and name. A resource that was
   * changed and changed back is among them.
   */
  public List<ResourceName> changed() {
    return List.copyOf(new TreeSet<>(changed));
  }

  /** The snapshot as edited so far; the editor may go on. */
  public MeshSnapshot snapshot(long revision) {
    return new MeshSnapshot(
        revision,
        new MeshSnapshot.Content(
            settings,
            workloads,
            workloadsByAddress,
            services,
            servicesByAddress,
            permissions,
            permissionsByDestination,
            namespaces));
  }

  private static <K, V> PersistentMap<K, List<V>> added(
      PersistentMap<K, List<V>> map, K key, V value, Function<V, NamespacedName> name) {
    List<V> before = map.getOrDefault(key, List.of());
    if (before.isEmpty()) {
      return map.with(key, List.of(value));
    }
    int found = Collections.binarySearch(before, value, Comparator.comparing(name));
    List<V> values = new ArrayList<>(before);
    values.add(found < 0 ? -found - 1 : found, value);
    return map.with(key, List.copyOf(values));
  }

  private static <K, V> PersistentMap<K, List<V>> removed(
      PersistentMap<K, List<V>> map, K key, V value) {
    List<V> rest =
        map.getOrDefault(key, List.of()).stream().filter(other -> other != value).toList();
    return rest.isEmpty() ? map.without(key) : map.with(key, rest);
  }

  /** Puts what a constructor of a snapshot is given. */
  void putAll(
      MeshSettings mesh,
      Iterable<Workload> pods,
      Iterable<Service> called,
      Iterable<Permission> granted,
      Map<String, NamespaceMembership> memberships) {
    put(mesh);
    pods.forEach(this::put);
    called.forEach(this::put);
    granted.forEach(this::put);
    memberships.forEach(this::put);
  }
}
