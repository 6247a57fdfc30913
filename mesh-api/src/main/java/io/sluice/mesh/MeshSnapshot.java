package io.sluice.mesh;

import java.net.InetAddress;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Everything the data plane decides by, at one instant. Immutable and safe to share between
 * threads; a change is a new snapshot with a higher revision.
 */
public final class MeshSnapshot {
  /** What a node starts with before its first snapshot: nothing known, nothing permitted. */
  public static final MeshSnapshot EMPTY =
      new MeshSnapshot(0, MeshSettings.CLOSED, List.of(), List.of(), List.of());

  private final long revision;
  private final MeshSettings settings;
  private final Map<NamespacedName, Workload> workloads;
  private final Map<InetAddress, Workload> workloadByAddress;
  private final Map<NamespacedName, Service> services;
  private final Map<InetAddress, Service> serviceByAddress;
  private final Map<NamespacedName, List<Permission>> permissionsByDestination;
  private final Map<String, NamespaceMembership> namespaces;

  /** A snapshot that says nothing about namespaces. */
  public MeshSnapshot(
      long revision,
      MeshSettings settings,
      Collection<Workload> workloads,
      Collection<Service> services,
      Collection<Permission> permissions) {
    this(revision, settings, workloads, services, permissions, Map.of());
  }

  private MeshSnapshot(long revision, MeshSnapshot content) {
    this.revision = revision;
    this.settings = content.settings;
    this.workloads = content.workloads;
    this.workloadByAddress = content.workloadByAddress;
    this.services = content.services;
    this.serviceByAddress = content.serviceByAddress;
    this.permissionsByDestination = content.permissionsByDestination;
    this.namespaces = content.namespaces;
  }

  /** Indexes the objects; of two with the same address the one with the smaller name wins. */
  public MeshSnapshot(
      long revision,
      MeshSettings settings,
      Collection<Workload> workloads,
      Collection<Service> services,
      Collection<Permission> permissions,
      Map<String, NamespaceMembership> namespaces) {
    this.revision = revision;
    this.settings = settings;
    Map<NamespacedName, Workload> byName = new HashMap<>();
    Map<InetAddress, Workload> byAddress = new HashMap<>();
    for (Workload workload : workloads) {
      byName.put(workload.name(), workload);
      for (InetAddress address : workload.addresses()) {
        byAddress.merge(address, workload, (a, b) -> a.name().compareTo(b.name()) <= 0 ? a : b);
      }
    }
    Map<NamespacedName, Service> servicesByName = new HashMap<>();
    Map<InetAddress, Service> servicesByAddress = new HashMap<>();
    for (Service service : services) {
      servicesByName.put(service.name(), service);
      for (InetAddress address : service.virtualAddresses()) {
        servicesByAddress.merge(
            address, service, (a, b) -> a.name().compareTo(b.name()) <= 0 ? a : b);
      }
    }
    Map<NamespacedName, List<Permission>> byDestination = new HashMap<>();
    for (Permission permission : permissions) {
      byDestination.merge(
          permission.destination(),
          List.of(permission),
          (a, b) ->
              Stream.concat(a.stream(), b.stream())
                  .sorted(Comparator.comparing(Permission::name))
                  .toList());
    }
    this.workloads = Map.copyOf(byName);
    this.workloadByAddress = Map.copyOf(byAddress);
    this.services = Map.copyOf(servicesByName);
    this.serviceByAddress = Map.copyOf(servicesByAddress);
    this.permissionsByDestination = Map.copyOf(byDestination);
    this.namespaces = Map.copyOf(namespaces);
  }

  /** Number of this snapshot; grows with every change, 0 only for {@link #EMPTY}. */
  public long revision() {
    return revision;
  }

  /**
   * The same content under another number, without a copy: two sources count for themselves, and
   * who hands on from both has to keep the order.
   */
  public MeshSnapshot withRevision(long other) {
    return other == revision ? this : new MeshSnapshot(other, this);
  }

  /** Mesh-wide settings. */
  public MeshSettings settings() {
    return settings;
  }

  /** Every workload, in no order. */
  public Collection<Workload> workloads() {
    return workloads.values();
  }

  /** Every service, in no order. */
  public Collection<Service> services() {
    return services.values();
  }

  /** The workload of that name. */
  public Optional<Workload> workload(NamespacedName name) {
    return Optional.ofNullable(workloads.get(name));
  }

  /** Identity of the workload of that name. */
  public Optional<SpiffeId> identityOf(NamespacedName name) {
    return workload(name).map(Workload::identity);
  }

  /** The workload that has this address. */
  public Optional<Workload> workloadAt(InetAddress address) {
    return Optional.ofNullable(workloadByAddress.get(address));
  }

  /** The service of that name. */
  public Optional<Service> service(NamespacedName name) {
    return Optional.ofNullable(services.get(name));
  }

  /** The service that has this cluster IP. */
  public Optional<Service> serviceAt(InetAddress address) {
    return Optional.ofNullable(serviceByAddress.get(address));
  }

  /** Every permission, in no order. */
  public Collection<Permission> permissions() {
    return permissionsByDestination.values().stream().flatMap(List::stream).toList();
  }

  /** Permissions whose destination is this service account, in order of name. */
  public List<Permission> permissionsFor(NamespacedName serviceAccount) {
    return permissionsByDestination.getOrDefault(serviceAccount, List.of());
  }

  /** Every Kubernetes namespace that the registry knows, and whether its pods are enrolled. */
  public Map<String, NamespaceMembership> namespaces() {
    return namespaces;
  }

  /** Whether {@code other} decides everything alike; revisions are not compared. */
  public boolean hasSameContentAs(MeshSnapshot other) {
    return settings.equals(other.settings)
        && workloads.equals(other.workloads)
        && services.equals(other.services)
        && permissionsByDestination.equals(other.permissionsByDestination)
        && namespaces.equals(other.namespaces);
  }
}
