package io.sluice.mesh;

import java.net.InetAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Everything the data plane decides by, at one instant. Immutable and safe to share between
 * threads; a change is a new snapshot with a higher revision, which shares with this one what is
 * the same in both.
 */
public final class MeshSnapshot {
  /** What a node starts with before its first snapshot: nothing known, nothing permitted. */
  public static final MeshSnapshot EMPTY =
      new MeshSnapshot(0, MeshSettings.CLOSED, List.of(), List.of(), List.of());

  private final long revision;
  private final Content content;

  /** A snapshot that says nothing about namespaces. */
  public MeshSnapshot(
      long revision,
      MeshSettings settings,
      Collection<Workload> workloads,
      Collection<Service> services,
      Collection<Permission> permissions) {
    this(revision, settings, workloads, services, permissions, Map.of());
  }

  /**
   * Indexes the objects. Of two of a type with the same name the later one counts; of two with the
   * same address the one with the smaller name is found by it.
   */
  public MeshSnapshot(
      long revision,
      MeshSettings settings,
      Collection<Workload> workloads,
      Collection<Service> services,
      Collection<Permission> permissions,
      Map<String, NamespaceMembership> namespaces) {
    SnapshotEditor editor = new SnapshotEditor(Content.EMPTY);
    editor.putAll(settings, workloads, services, permissions, namespaces);
    this.revision = revision;
    this.content = editor.snapshot(revision).content;
  }

  MeshSnapshot(long revision, Content content) {
    this.revision = revision;
    this.content = content;
  }

  /** Begins a snapshot that differs from this one; this one stays as it is. */
  public SnapshotEditor edit() {
    return new SnapshotEditor(content);
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
    return other == revision ? this : new MeshSnapshot(other, content);
  }

  /** Mesh-wide settings. */
  public MeshSettings settings() {
    return content.settings;
  }

  /** Every workload, in no order. */
  public Collection<Workload> workloads() {
    return content.workloads.values();
  }

  /** Every service, in no order. */
  public Collection<Service> services() {
    return content.services.values();
  }

  /** The workload of that name. */
  public Optional<Workload> workload(NamespacedName name) {
    return Optional.ofNullable(content.workloads.get(name));
  }

  /** Identity of the workload of that name. */
  public Optional<SpiffeId> identityOf(NamespacedName name) {
    return workload(name).map(Workload::identity);
  }

  /** The workload that has this address. */
  public Optional<Workload> workloadAt(InetAddress address) {
    return first(content.workloadsByAddress.get(address));
  }

  /** Every workload that has this address, in order of name; the first one is found by it. */
  public List<Workload> workloadsAt(InetAddress address) {
    return content.workloadsByAddress.getOrDefault(address, List.of());
  }

  /** The service of that name. */
  public Optional<Service> service(NamespacedName name) {
    return Optional.ofNullable(content.services.get(name));
  }

  /** The service that has this cluster IP. */
  public Optional<Service> serviceAt(InetAddress address) {
    return first(content.servicesByAddress.get(address));
  }

  /** Every permission, in no order. */
  public Collection<Permission> permissions() {
    return content.permissions.values();
  }

  /** The permission of that name. */
  public Optional<Permission> permission(NamespacedName name) {
    return Optional.ofNullable(content.permissions.get(name));
  }

  /** Permissions whose destination is this service account, in order of name. */
  public List<Permission> permissionsFor(NamespacedName serviceAccount) {
    return content.permissionsByDestination.getOrDefault(serviceAccount, List.of());
  }

  /** Every Kubernetes namespace that the registry knows, and whether its pods are enrolled. */
  public Map<String, NamespaceMembership> namespaces() {
    return content.namespaces;
  }

  /** Whether {@code other} decides everything alike; revisions are not compared. */
  public boolean hasSameContentAs(MeshSnapshot other) {
    return content.settings.equals(other.content.settings)
        && content.workloads.equals(other.content.workloads)
        && content.services.equals(other.content.services)
        && content.permissions.equals(other.content.permissions)
        && content.namespaces.equals(other.content.namespaces);
  }

  /**
   * What this one has more, less or otherwise than {@code earlier}. Costs what differs where this
   * was made from it by {@link #edit}, and what both hold where they have nothing to do with each
   * other.
   */
  public SnapshotDifference since(MeshSnapshot earlier) {
    return SnapshotDifference.between(earlier.content, content);
  }

  private static <T> Optional<T> first(@Nullable List<T> owners) {
    return owners == null ? Optional.empty() : Optional.of(owners.getFirst());
  }

  /**
   * What a snapshot holds, with its indices. The lists are in order of name and never empty.
   *
   * @param workloadsByAddress whoever has the address: pods of the node's network share theirs
   */
  record Content(
      MeshSettings settings,
      PersistentMap<NamespacedName, Workload> workloads,
      PersistentMap<InetAddress, List<Workload>> workloadsByAddress,
      PersistentMap<NamespacedName, Service> services,
      PersistentMap<InetAddress, List<Service>> servicesByAddress,
      PersistentMap<NamespacedName, Permission> permissions,
      PersistentMap<NamespacedName, List<Permission>> permissionsByDestination,
      PersistentMap<String, NamespaceMembership> namespaces) {
    static final Content EMPTY =
        new Content(
            MeshSettings.CLOSED,
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty());
  }
}
