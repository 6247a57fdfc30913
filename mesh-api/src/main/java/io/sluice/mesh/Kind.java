package io.sluice.mesh;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/**
 * A kind of things that make up a snapshot: all there is to know of it that is not known by its
 * objects themselves. Snapshots, the wire and the disk take whatever is in {@link #ALL}. One kind
 * is the same as itself only.
 *
 * @param <T> its objects
 */
public final class Kind<T extends MeshObject> {
  /** The pods that have an address, of which the first one is found by it. */
  public static final Index<Workload, InetAddress> WORKLOADS_BY_ADDRESS =
      new Index<>(Workload::addresses, Comparator.comparing(Workload::name));

  /** The pods of a node; under the empty name those of which the registry does not say where. */
  public static final Index<Workload, String> WORKLOADS_BY_NODE =
      new Index<>(pod -> List.of(pod.nodeName().orElse("")), Comparator.comparing(Workload::name));

  /** The pods that metrics do not tell of by name, by Kubernetes namespace. */
  public static final Index<Workload, String> UNMEASURED_BY_NAMESPACE =
      new Index<>(
          pod -> pod.connections().measured() ? List.of() : List.of(pod.name().namespace()),
          Comparator.comparing(Workload::name));

  /** The services that have a cluster IP, of which the first one is found by it. */
  public static final Index<Service, InetAddress> SERVICES_BY_ADDRESS =
      new Index<>(Service::virtualAddresses, Comparator.comparing(Service::name));

  /** The services that have an endpoint at an address and port, ready or not. */
  public static final Index<Service, InetSocketAddress> SERVICES_BY_ENDPOINT =
      new Index<>(Service::endpoints, Comparator.comparing(Service::name));

  /** Where calls of a service go, of which the first one counts that is for the client. */
  public static final Index<TrafficRoute, NamespacedName> ROUTES_BY_SERVICE =
      new Index<>(
          route -> List.of(route.service()),
          Comparator.comparing((TrafficRoute route) -> route.clientsOrNull() == null)
              .thenComparing(TrafficRoute::origin, Comparator.reverseOrder())
              .thenComparing(TrafficRoute::name));

  /**
   * What is tried again of calls to a service, of which the first one counts that is the caller's.
   */
  public static final Index<RetryPolicy, NamespacedName> RETRIES_BY_DESTINATION =
      new Index<>(RetryPolicy::destinations, Comparator.comparing(RetryPolicy::name));

  /** What is granted to reach a service account. */
  public static final Index<Permission, NamespacedName> PERMISSIONS_BY_DESTINATION =
      new Index<>(
          permission -> List.of(permission.destination()), Comparator.comparing(Permission::name));

  /** What is granted to a service account. */
  public static final Index<Permission, NamespacedName> PERMISSIONS_BY_SOURCE =
      new Index<>(Permission::sources, Comparator.comparing(Permission::name));

  /** What datagrams are granted to reach a service account. */
  public static final Index<DatagramPermission, NamespacedName> DATAGRAMS_BY_DESTINATION =
      new Index<>(
          permission -> List.of(permission.destination()),
          Comparator.comparing(DatagramPermission::name));

  /** What datagrams are granted to a service account. */
  public static final Index<DatagramPermission, NamespacedName> DATAGRAMS_BY_SOURCE =
      new Index<>(DatagramPermission::sources, Comparator.comparing(DatagramPermission::name));

  /** What is let in from outside the mesh, by what it leads to. */
  public static final Index<Ingress, Ingress.Backend> INGRESSES_BY_BACKEND =
      new Index<>(
          Ingress::backends, Comparator.comparing(Ingress::name).thenComparing(Ingress::origin));

  /** What is let out of the mesh, by who is. */
  public static final Index<Egress, NamespacedName> EGRESSES_BY_SOURCE =
      new Index<>(Egress::sources, Comparator.comparing(Egress::name));

  /** What UpstreamTrafficSettings say, by their own names. */
  public static final Index<UpstreamSetting, NamespacedName> UPSTREAM_SETTINGS_BY_NAME =
      new Index<>(
          setting -> List.of(setting.name()), Comparator.comparing(UpstreamSetting::service));

  /** What Telemetries say of the access log, by namespace of the pods; empty for those of all. */
  public static final Index<AccessLogSetting, String> ACCESS_LOGS_BY_NAMESPACE =
      new Index<>(
          setting -> List.of(setting.isOfMesh() ? "" : setting.name().namespace()),
          Comparator.comparing((AccessLogSetting setting) -> setting.selector().isEmpty())
              .thenComparing(AccessLogSetting::createdSecond)
              .thenComparing(AccessLogSetting::name));

  /** The settings, of which there is one, called {@value MeshSettings#NAME}. */
  public static final Kind<MeshSettings> SETTINGS =
      new Kind<>("settings", _ -> MeshSettings.NAME, SettingsCodec.CODEC, List.of());

  /** Kubernetes namespaces. */
  public static final Kind<KubernetesNamespace> NAMESPACE =
      new Kind<>("namespace", KubernetesNamespace::name, NamespaceCodec.CODEC, List.of());

  /** Pods. */
  public static final Kind<Workload> WORKLOAD =
      new Kind<>(
          "workload",
          Workload::name,
          WorkloadCodec.CODEC,
          List.of(WORKLOADS_BY_ADDRESS, WORKLOADS_BY_NODE, UNMEASURED_BY_NAMESPACE));

  /** Names that clients call. */
  public static final Kind<Service> SERVICE =
      new Kind<>(
          "service",
          Service::name,
          ServiceCodec.CODEC,
          List.of(SERVICES_BY_ADDRESS, SERVICES_BY_ENDPOINT));

  /** Where TrafficSplits and routes of the Gateway API send calls of services. */
  public static final Kind<TrafficRoute> ROUTE =
      new Kind<>("route", TrafficRoute::name, RouteCodec.CODEC, List.of(ROUTES_BY_SERVICE));

  /** What Retries say of calls that fail. */
  public static final Kind<RetryPolicy> RETRY =
      new Kind<>("retry", RetryPolicy::name, RetryCodec.CODEC, List.of(RETRIES_BY_DESTINATION));

  /** What UpstreamTrafficSettings say, by the name of the service. */
  public static final Kind<UpstreamSetting> UPSTREAM_SETTING =
      new Kind<>(
          "upstream",
          UpstreamSetting::service,
          UpstreamCodec.CODEC,
          List.of(UPSTREAM_SETTINGS_BY_NAME));

  /** What TrafficTargets grant. */
  public static final Kind<Permission> PERMISSION =
      new Kind<>(
          "permission",
          Permission::name,
          PermissionCodec.CODEC,
          List.of(PERMISSIONS_BY_DESTINATION, PERMISSIONS_BY_SOURCE));

  /** What TrafficTargets grant by UDPRoutes. */
  public static final Kind<DatagramPermission> DATAGRAM_PERMISSION =
      new Kind<>(
          "datagrams",
          DatagramPermission::name,
          DatagramPermissionCodec.CODEC,
          List.of(DATAGRAMS_BY_DESTINATION, DATAGRAMS_BY_SOURCE));

  /** Services with ports of UDP. */
  public static final Kind<DatagramService> DATAGRAM_SERVICE =
      new Kind<>(
          "datagramservice", one -> one.service().name(), ServiceCodec.DATAGRAM_CODEC, List.of());

  /** What IngressBackends and AccessControls let in. */
  public static final Kind<Ingress> INGRESS =
      new Kind<>("ingress", Ingress::called, IngressCodec.CODEC, List.of(INGRESSES_BY_BACKEND));

  /** What Egresses let out. */
  public static final Kind<Egress> EGRESS =
      new Kind<>("egress", Egress::name, EgressCodec.CODEC, List.of(EGRESSES_BY_SOURCE));

  /** What Telemetries say of the access log. */
  public static final Kind<AccessLogSetting> ACCESS_LOG =
      new Kind<>(
          "accesslog",
          AccessLogSetting::name,
          AccessLogCodec.CODEC,
          List.of(ACCESS_LOGS_BY_NAMESPACE));

  /** Every kind that a node is told of. */
  public static final List<Kind<?>> ALL =
      List.of(
          NAMESPACE,
          WORKLOAD,
          SERVICE,
          ROUTE,
          RETRY,
          UPSTREAM_SETTING,
          PERMISSION,
          DATAGRAM_PERMISSION,
          DATAGRAM_SERVICE,
          INGRESS,
          EGRESS,
          ACCESS_LOG,
          SETTINGS);

  /**
   * By what else than their name objects are found.
   *
   * @param keys under which an object is found
   * @param order of those that have one in common
   */
  public record Index<T, K>(Function<T, Collection<K>> keys, Comparator<T> order) {}

  private final String name;
  private final Function<T, ?> names;
  private final Codec<T> codec;
  private final List<Index<T, ?>> indices;

  /**
   * A kind beside those of {@link #ALL}, for a test.
   *
   * @param name one word, equal on every release
   * @param names what an object is called among those of its kind, by its text
   */
  public Kind(String name, Function<T, ?> names, Codec<T> codec, List<Index<T, ?>> indices) {
    this.name = name;
    this.names = names;
    this.codec = codec;
    this.indices = indices;
  }

  /** One word. */
  public String name() {
    return name;
  }

  /** How its objects are told to other processes. */
  public Codec<T> codec() {
    return codec;
  }

  List<Index<T, ?>> indices() {
    return indices;
  }

  /** The one of that name. */
  public ResourceKey key(Object called) {
    return new ResourceKey(name, called.toString());
  }

  /** What {@code object}, which is of this kind, is called. */
  ResourceKey keyOf(MeshObject object) {
    return key(names.apply(cast(object)));
  }

  /** An object of which the kind is this one. */
  @SuppressWarnings("unchecked") // an object's kind is that of its class
  public T cast(MeshObject object) {
    if (object.kind() != this) {
      throw new IllegalArgumentException(object.key() + " is no " + name);
    }
    return (T) object;
  }

  @Override
  public String toString() {
    return name;
  }
}
