package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/** The kinds that the mesh reads, and where the Kubernetes API has them. */
public enum ReadableKind {
  /** {@code v1} Namespace. */
  NAMESPACE("", "Namespace", "namespaces", "v1", ReadableKind::readNamespace),
  /** {@code v1} Node. */
  NODE("", "Node", "nodes", "v1", KubernetesObject.ClusterNode::read),
  /** {@code v1} Pod. */
  POD("", "Pod", "pods", "v1", PodReader::read),
  /** {@code v1} Service. */
  SERVICE("", "Service", "services", "v1", ServiceReader::readService),
  /** {@code v1} KubernetesObject.ServiceAccount. */
  SERVICE_ACCOUNT(
      "",
      "ServiceAccount",
      "serviceaccounts",
      "v1",
      (_, meta) -> new KubernetesObject.ServiceAccount(meta)),
  /** {@code discovery.k8s.io} EndpointSlice. */
  ENDPOINT_SLICE(
      "discovery.k8s.io", "EndpointSlice", "endpointslices", "v1", ServiceReader::readSlice),
  /** {@code access.smi-spec.io} TrafficTarget. */
  TRAFFIC_TARGET(
      "access.smi-spec.io", "TrafficTarget", "traffictargets", "v1alpha3", SmiReader::readTarget),
  /** {@code specs.smi-spec.io} TCPRoute. */
  TCP_ROUTE("specs.smi-spec.io", "TCPRoute", "tcproutes", "v1alpha4", SmiReader::readPortRoute),
  /** {@code specs.smi-spec.io} UDPRoute. */
  UDP_ROUTE("specs.smi-spec.io", "UDPRoute", "udproutes", "v1alpha4", SmiReader::readPortRoute),
  /** {@code specs.smi-spec.io} HTTPRouteGroup. */
  HTTP_ROUTE_GROUP(
      "specs.smi-spec.io",
      "HTTPRouteGroup",
      "httproutegroups",
      "v1alpha4",
      SmiReader::readRouteGroup),
  /** {@code split.smi-spec.io} TrafficSplit. */
  TRAFFIC_SPLIT(
      "split.smi-spec.io",
      "TrafficSplit",
      "trafficsplits",
      "v1alpha4, v1alpha3, v1alpha2, v1alpha1",
      SmiReader::readSplit),
  /** {@code policy.openservicemesh.io} UpstreamTrafficSetting. */
  UPSTREAM_TRAFFIC_SETTING(
      PolicyReader.GROUP,
      "UpstreamTrafficSetting",
      "upstreamtrafficsettings",
      "v1alpha1",
      UpstreamReader::read),
  /** {@code gateway.networking.k8s.io} HTTPRoute. */
  HTTP_ROUTE(
      GatewayReader.GROUP, "HTTPRoute", "httproutes", "v1, v1beta1", GatewayReader::readHttp),
  /** {@code gateway.networking.k8s.io} GRPCRoute. */
  GRPC_ROUTE(GatewayReader.GROUP, "GRPCRoute", "grpcroutes", "v1", GatewayReader::readGrpc),
  /** {@code gateway.networking.k8s.io} ReferenceGrant. */
  REFERENCE_GRANT(
      GatewayReader.GROUP,
      "ReferenceGrant",
      "referencegrants",
      "v1, v1beta1",
      GatewayReader::readGrant),
  /** {@code extension.gateway.flomesh.io} FaultInjection. */
  FAULT_INJECTION(
      FaultReader.GROUP, FaultReader.KIND, "faultinjections", "v1alpha1", FaultReader::read),
  /** {@code policy.openservicemesh.io} Retry. */
  RETRY(PolicyReader.GROUP, "Retry", "retries", "v1alpha1", RetryReader::read),
  /** {@code policy.openservicemesh.io} Telemetry. */
  TELEMETRY(PolicyReader.GROUP, "Telemetry", "telemetries", "v1alpha1", TelemetryReader::read),
  /** {@code config.openservicemesh.io} ExtensionService. */
  EXTENSION_SERVICE(
      "config.openservicemesh.io",
      "ExtensionService",
      "extensionservices",
      "v1alpha2",
      TelemetryReader::readService),
  /** {@code policy.openservicemesh.io} IngressBackend. */
  INGRESS_BACKEND(
      PolicyReader.GROUP,
      "IngressBackend",
      "ingressbackends",
      "v1alpha1",
      PolicyReader::readIngress),
  /** {@code policy.openservicemesh.io} AccessControl. */
  ACCESS_CONTROL(
      PolicyReader.GROUP, "AccessControl", "accesscontrols", "v1alpha1", PolicyReader::readIngress),
  /** {@code policy.openservicemesh.io} AccessCert. */
  ACCESS_CERT(
      PolicyReader.GROUP, "AccessCert", "accesscerts", "v1alpha1", PolicyReader::readAccessCert),
  /** {@code policy.openservicemesh.io} Egress. */
  EGRESS(PolicyReader.GROUP, "Egress", "egresses", "v1alpha1", PolicyReader::readEgress),
  /** {@code policy.flomesh.io} Isolation. */
  ISOLATION(
      PolicyReader.FSM_GROUP, "Isolation", "isolations", "v1alpha1", PolicyReader::readIsolation),
  /** The MeshConfig of Sluice. */
  MESH_CONFIG("config.sluice.io", "MeshConfig", "meshconfigs", "v1alpha1", MeshConfigReader::read),
  /** The MeshConfig of OSM and osm-edge. */
  OSM_MESH_CONFIG(
      "config.openservicemesh.io",
      "MeshConfig",
      "meshconfigs",
      "v1alpha2, v1alpha1",
      MeshConfigReader::read),
  /** The MeshConfig of FSM. */
  FSM_MESH_CONFIG(
      "config.flomesh.io",
      "MeshConfig",
      "meshconfigs",
      "v1alpha3, v1alpha2, v1alpha1",
      MeshConfigReader::read);

  private static final Map<GroupKind, ReadableKind> BY_NAME = byName();

  private final String group;
  private final String kind;
  private final String resource;
  private final List<String> versions;
  private final KindReader reader;

  ReadableKind(String group, String kind, String resource, String versions, KindReader reader) {
    this.group = group;
    this.kind = kind;
    this.resource = resource;
    this.versions = List.of(versions.split(", ", -1));
    this.reader = reader;
  }

  /** One whose objects are believed alike, whoever wrote them. */
  ReadableKind(
      String group,
      String kind,
      String resource,
      String versions,
      BiFunction<Fields, ObjectMeta, KubernetesObject> reader) {
    this(group, kind, resource, versions, (fields, meta, _) -> reader.apply(fields, meta));
  }

  private static Map<GroupKind, ReadableKind> byName() {
    Map<GroupKind, ReadableKind> kinds = new HashMap<>();
    for (ReadableKind kind : values()) {
      kinds.put(new GroupKind(kind.group, kind.kind), kind);
    }
    return Map.copyOf(kinds);
  }

  KubernetesObject read(Fields document, ObjectReader.Provenance provenance) {
    ObjectMeta meta = MetaReader.read(document, group, kind, isNamespaced());
    return reader.read(document, meta, provenance);
  }

  private static KubernetesObject readNamespace(Fields document, ObjectMeta meta) {
    Fields metadata = document.objectOrEmpty("metadata");
    EnrolmentWords.check(metadata.objectOrEmpty("labels"), metadata.objectOrEmpty("annotations"));
    return new Namespace(meta);
  }

  /** The kind of that name, if it is read. */
  public static Optional<ReadableKind> of(String group, String kind) {
    return Optional.ofNullable(BY_NAME.get(new GroupKind(group, kind)));
  }

  /** API group, empty for the core group. */
  public String group() {
    return group;
  }

  /** Whether every API server has the kind; others are there once somebody has defined them. */
  public boolean isBuiltIn() {
    return group.isEmpty() || group.equals(ENDPOINT_SLICE.group);
  }

  /** Whether an object of it is in a namespace, and not in the cluster as a whole. */
  public boolean isNamespaced() {
    return this != NAMESPACE && this != NODE && this != ISOLATION;
  }

  /** Kind as manifests write it. */
  public String kind() {
    return kind;
  }

  /** Kind as paths of the API and its access rules write it: the lower-case plural. */
  public String resource() {
    return resource;
  }

  /** Versions of the API that are read, the newest first. */
  public List<String> versions() {
    return versions;
  }

  private interface KindReader {
    KubernetesObject read(Fields document, ObjectMeta meta, ObjectReader.Provenance provenance);
  }

  private record GroupKind(String group, String kind) {}
}
