package io.sluice.mesh;

import io.sluice.mesh.Kind.Index;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Everything the data plane decides by, at one instant: a table of objects for each {@link Kind}.
 * Immutable and safe to share between threads; a change is a new snapshot with a higher revision,
 * which shares with this one what is the same in both.
 */
public final class MeshSnapshot {
  /** What a node starts with before its first snapshot: nothing known, nothing permitted. */
  public static final MeshSnapshot EMPTY = new MeshSnapshot(0, false, PersistentMap.empty());

  /** Of no snapshot: for who notes by which one something was found out. */
  public static final long NO_REVISION = -1;

  private final long revision;
  private final boolean complete;
  private final PersistentMap<String, Table<?>> tables;
  private final Table<RetryPolicy> retries; // each request asks for its own
  private final MeshSettings settings; // which every decision asks for

  /** A snapshot that says nothing about namespaces, and may not know everything. */
  public MeshSnapshot(
      long revision,
      MeshSettings settings,
      Collection<Workload> workloads,
      Collection<Service> services,
      Collection<Permission> permissions) {
    this(revision, settings, workloads, services, permissions, Map.of());
  }

  /**
   * Indexes the objects. Of two of a kind with the same name the later one counts; of two with the
   * same address the one with the smaller name is found by it.
   */
  public MeshSnapshot(
      long revision,
      MeshSettings settings,
      Collection<Workload> workloads,
      Collection<Service> services,
      Collection<Permission> permissions,
      Map<String, NamespaceMembership> namespaces) {
    this(
        revision,
        false,
        tables(
            Stream.of(
                    Stream.of(settings),
                    workloads.stream(),
                    services.stream(),
                    permissions.stream(),
                    namespaces.entrySet().stream()
                        .map(one -> new KubernetesNamespace(one.getKey(), one.getValue())))
                .flatMap(part -> part)));
  }

  MeshSnapshot(long revision, boolean complete, PersistentMap<String, Table<?>> tables) {
    this.revision = revision;
    this.complete = complete;
    this.tables = tables;
    this.retries = table(Kind.RETRY);
    this.settings = get(Kind.SETTINGS, MeshSettings.NAME).orElse(MeshSettings.CLOSED);
  }

  /** The snapshot that holds {@code objects}; closed where there are no settings among them. */
  public static MeshSnapshot of(
      long revision, boolean complete, Collection<? extends MeshObject> objects) {
    return new MeshSnapshot(revision, complete, tables(objects.stream()));
  }

  private static PersistentMap<String, Table<?>> tables(Stream<? extends MeshObject> objects) {
    SnapshotEditor editor = EMPTY.edit();
    objects.forEach(editor::put);
    return editor.snapshot(0).tables;
  }

  /** Begins a snapshot that differs from this one; this one stays as it is. */
  public SnapshotEditor edit() {
    return new SnapshotEditor(tables, complete);
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
    return other == revision ? this : new MeshSnapshot(other, complete, tables);
  }

  /**
   * Whether it holds everything that its source should know. Where part of that could not be read,
   * what is missing says nothing.
   */
  public boolean isComplete() {
    return complete;
  }

  /**
   * Whether it says what holds in the whole mesh. A registry that cannot read its MeshConfig does
   * not know, and what is closed without it is open to those that it denies.
   */
  public boolean isGoverned() {
    return get(Kind.SETTINGS, MeshSettings.NAME).isPresent();
  }

  /** The same content, of which that is known. */
  public MeshSnapshot withComplete(boolean other) {
    return other == complete ? this : new MeshSnapshot(revision, other, tables);
  }

  /** Every object, in no order. */
  public Stream<MeshObject> objects() {
    return tables.values().stream().flatMap(table -> table.rows().values().stream());
  }

  /** How many objects it holds. */
  public int size() {
    return tables.values().stream().mapToInt(table -> table.rows().size()).sum();
  }

  /** Every object of that kind, in no order. */
  public <T extends MeshObject> Collection<T> all(Kind<T> kind) {
    return table(kind).rows().values();
  }

  /** The object of that kind and name. */
  public <T extends MeshObject> Optional<T> get(Kind<T> kind, Object name) {
    return Optional.ofNullable(table(kind).rows().get(name.toString()));
  }

  /** Objects that are found under {@code key}, in the order of the index. */
  public <T extends MeshObject, K> List<T> find(Kind<T> kind, Index<T, K> index, K key) {
    return table(kind).find(index, key);
  }

  /** Keys of the index under which anything is found. */
  public <T extends MeshObject, K> Set<K> keys(Kind<T> kind, Index<T, K> index) {
    return table(kind).keys(index);
  }

  @SuppressWarnings("unchecked") // tables of one name are of one kind
  private <T extends MeshObject> Table<T> table(Kind<T> kind) {
    Table<?> table = tables.get(kind.name());
    return table == null ? Table.empty(kind) : (Table<T>) table;
  }

  /** Mesh-wide settings. */
  public MeshSettings settings() {
    return settings;
  }

  /** Every workload, in no order. */
  public Collection<Workload> workloads() {
    return all(Kind.WORKLOAD);
  }

  /** Every service, in no order. */
  public Collection<Service> services() {
    return all(Kind.SERVICE);
  }

  /** The workload of that name. */
  public Optional<Workload> workload(NamespacedName name) {
    return get(Kind.WORKLOAD, name);
  }

  /** Identity of the workload of that name. */
  public Optional<SpiffeId> identityOf(NamespacedName name) {
    return workload(name).map(Workload::identity);
  }

  /** The workload that has this address. */
  public Optional<Workload> workloadAt(InetAddress address) {
    return first(workloadsAt(address));
  }

  /** Every workload that has this address, in order of name; the first one is found by it. */
  public List<Workload> workloadsAt(InetAddress address) {
    return find(Kind.WORKLOAD, Kind.WORKLOADS_BY_ADDRESS, address);
  }

  /** Workloads of that node, and those of which the registry does not say where they are. */
  public List<Workload> workloadsOn(String nodeName) {
    return Stream.of(nodeName, "")
        .distinct()
        .flatMap(node -> find(Kind.WORKLOAD, Kind.WORKLOADS_BY_NODE, node).stream())
        .toList();
  }

  /** The service of that name. */
  public Optional<Service> service(NamespacedName name) {
    return get(Kind.SERVICE, name);
  }

  /** The service that has this cluster IP. */
  public Optional<Service> serviceAt(InetAddress address) {
    return first(find(Kind.SERVICE, Kind.SERVICES_BY_ADDRESS, address));
  }

  private static <T> Optional<T> first(List<T> found) {
    return found.isEmpty() ? Optional.empty() : Optional.of(found.getFirst());
  }

  /** What sends calls of the service elsewhere that pods of {@code clients}, a namespace, make. */
  public Optional<TrafficRoute> routeOf(NamespacedName service, String clients) {
    for (TrafficRoute route : find(Kind.ROUTE, Kind.ROUTES_BY_SERVICE, service)) {
      if (route.isFor(clients)) {
        return Optional.of(route);
      }
    }
    return Optional.empty();
  }

  /** Whether anything is tried again: what each request may ask at no cost. */
  public boolean hasRetries() {
    return !retries.rows().isEmpty();
  }

  /** What is tried again of calls that pods of {@code account} make to {@code service}; or null. */
  public @Nullable RetryPolicy retryOrNull(NamespacedName account, NamespacedName service) {
    for (RetryPolicy policy : retries.find(Kind.RETRIES_BY_DESTINATION, service)) {
      if (policy.source().equals(account)) {
        return policy;
      }
    }
    return null;
  }

  /**
   * What is said of the access log of that pod, what counts first: of its namespace's settings
   * before the mesh's, and of either those that select it before those for all, the oldest first.
   */
  public List<AccessLogSetting> accessLogsOf(NamespacedName pod) {
    if (all(Kind.ACCESS_LOG).isEmpty()) {
      return List.of();
    }
    Map<String, String> labels = workload(pod).map(Workload::labels).orElse(Map.of());
    return Stream.of(pod.namespace(), "")
        .flatMap(
            namespace -> find(Kind.ACCESS_LOG, Kind.ACCESS_LOGS_BY_NAMESPACE, namespace).stream())
        .filter(setting -> setting.selects(labels))
        .toList();
  }

  /** How much may be asked of the service; empty where nothing is said. */
  public Optional<UpstreamSetting> upstreamSetting(NamespacedName service) {
    return all(Kind.UPSTREAM_SETTING).isEmpty()
        ? Optional.empty()
        : get(Kind.UPSTREAM_SETTING, service);
  }

  /**
   * What is said of the services of a pod's own Kubernetes namespace that lead to {@code endpoint}:
   * whoever may write Services elsewhere does not say what this pod takes.
   */
  public List<UpstreamSetting> limitsAt(InetSocketAddress endpoint) {
    if (all(Kind.UPSTREAM_SETTING).isEmpty()) {
      return List.of();
    }
    Optional<Workload> pod = workloadAt(endpoint.getAddress());
    Collection<Service> services =
        pod.isPresent()
            ? servicesOf(pod.get(), endpoint)
            : find(Kind.SERVICE, Kind.SERVICES_BY_ENDPOINT, endpoint);
    return services.stream()
        .flatMap(service -> get(Kind.UPSTREAM_SETTING, service.name()).stream())
        .toList();
  }

  /**
   * The services of the pod's own Kubernetes namespace that lead to the port that is {@code
   * called}, by whichever of its addresses: a Service of one family speaks of the other one too.
   */
  public Collection<Service> servicesOf(Workload pod, InetSocketAddress called) {
    Set<Service> services = new LinkedHashSet<>();
    for (InetAddress address : pod.addresses()) {
      InetSocketAddress endpoint = new InetSocketAddress(address, called.getPort());
      for (Service service : find(Kind.SERVICE, Kind.SERVICES_BY_ENDPOINT, endpoint)) {
        if (service.name().namespace().equals(pod.name().namespace())) {
          services.add(service);
        }
      }
    }
    return services;
  }

  /** Every permission, in no order. */
  public Collection<Permission> permissions() {
    return all(Kind.PERMISSION);
  }

  /** The permission of that name. */
  public Optional<Permission> permission(NamespacedName name) {
    return get(Kind.PERMISSION, name);
  }

  /** Permissions whose destination is this service account, in order of name. */
  public List<Permission> permissionsFor(NamespacedName serviceAccount) {
    return find(Kind.PERMISSION, Kind.PERMISSIONS_BY_DESTINATION, serviceAccount);
  }

  /** Whether pods of a Kubernetes namespace are enrolled; empty where nothing is known of it. */
  public Optional<NamespaceMembership> membership(String namespace) {
    return get(Kind.NAMESPACE, namespace).map(KubernetesNamespace::membership);
  }

  /** Whether {@code other} decides everything alike; revision and completeness are not compared. */
  public boolean hasSameContentAs(MeshSnapshot other) {
    return settings().equals(other.settings())
        && tables.without(Kind.SETTINGS.name()).equals(other.tables.without(Kind.SETTINGS.name()));
  }

  /**
   * What this one has more, less or otherwise than {@code earlier}. Costs what differs where this
   * was made from it by {@link #edit}, and what both hold where they have nothing to do with each
   * other.
   */
  public SnapshotDifference since(MeshSnapshot earlier) {
    return new SnapshotDifference(earlier.tables, tables);
  }
}
