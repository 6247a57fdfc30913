package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Files of manifests that change at random. Names, addresses and labels are few, so that objects
 * collide, find each other and lose each other all the time.
 */
public final class RandomCluster {
  private static final String[] NAMESPACES = {"shop", "stock", "kube-system"};
  private static final String[] APPS = {"web", "db", "batch"};

  private final Random random;
  private final Map<String, List<KubernetesObject>> files = new TreeMap<>();

  /** The same seed makes the same files. */
  public RandomCluster(long seed) {
    this.random = new Random(seed);
  }

  /** All files, in order of name. */
  Map<String, List<KubernetesObject>> files() {
    return files;
  }

  /** Changes some files. Returns the objects of each changed one, none where it was removed. */
  Map<String, List<KubernetesObject>> change() {
    Map<String, List<KubernetesObject>> changed = new TreeMap<>();
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      String file = "file" + random.nextInt(12) + ".yaml";
      if (random.nextInt(6) == 0) {
        files.remove(file);
        changed.put(file, List.of());
      } else {
        List<KubernetesObject> objects = file(file);
        files.put(file, objects);
        changed.put(file, objects);
      }
    }
    return changed;
  }

  private List<KubernetesObject> file(String file) {
    List<String> documents = new ArrayList<>();
    if (random.nextBoolean()) {
      // Most changes leave most objects of a file as they are, though perhaps on another line.
      return changedInOnePlace(files.getOrDefault(file, List.of()), file);
    }
    int count = 1 + random.nextInt(5);
    for (int i = 0; i < count; i++) {
      documents.add(document());
    }
    return read(file, String.join("---\n", documents));
  }

  private List<KubernetesObject> changedInOnePlace(List<KubernetesObject> before, String file) {
    List<KubernetesObject> after = new ArrayList<>(before);
    if (!after.isEmpty()) {
      after.remove(random.nextInt(after.size()));
    }
    after.addAll(
        random.nextInt(after.size() + 1), read(file, "\n".repeat(random.nextInt(3)) + document()));
    return after;
  }

  private static List<KubernetesObject> read(String file, String text) {
    var read = ObjectReader.read(file, text.getBytes(StandardCharsets.UTF_8));
    if (!read.problems().isEmpty()) {
      throw new IllegalStateException(read.problems().getFirst() + "\n" + text);
    }
    return read.objects();
  }

  /** A manifest of one object, one that the reader takes. */
  public String document() {
    return switch (random.nextInt(24)) {
      case 0, 1, 2, 3 -> pod();
      case 4, 5 -> service();
      case 6 -> slice();
      case 7 -> namespace();
      case 8 -> target();
      case 9 -> route();
      case 10 -> config();
      case 11 -> node();
      case 12 -> random.nextBoolean() ? group() : random.nextBoolean() ? retry() : faults();
      case 13, 14 -> split();
      case 15, 16 -> gatewayRoute();
      case 17 -> upstream();
      case 18, 19 -> ingress();
      case 20, 21 -> egress();
      case 22 -> random.nextInt(3) == 0 ? isolation() : telemetry();
      default -> other();
    };
  }

  private String one(String... words) {
    return words[random.nextInt(words.length)];
  }

  private String namespaceName() {
    return random.nextInt(12) == 0 ? NAMESPACES[2] : NAMESPACES[random.nextInt(2)];
  }

  private String app() {
    return one(APPS);
  }

  private String pod() {
    return """
    apiVersion: v1
    kind: Pod
    metadata:
      name: %s-%d
      namespace: %s
      uid: %s%s
      labels: {app: %s, tier: %s%s}
      annotations: {%s}
    spec:
      serviceAccountName: %s
      nodeName: %s
      hostNetwork: %s
      containers: [{name: c, ports: [{name: %s, containerPort: %d}]}]
    status:
      phase: %s
      podIPs: [%s]
      conditions: [{type: Ready, status: "%s"}]
    """
        .formatted(
            app(),
            random.nextInt(4),
            namespaceName(),
            "0b6cd7b5-4f4e-4b0a-9c1e-00000000000" + random.nextInt(6),
            one(
                "",
                created(),
                created(),
                created() + "\n  deletionTimestamp: 2026-01-09T00:00:00Z"),
            app(),
            one("front", "back"),
            one("", "", ", sluice.io/mesh: enabled", ", sluice.io/mesh: disabled"),
            one(
                "",
                "sluice.io/netns: web",
                "sluice.io/netns: /var/run/netns/web",
                "sluice.io/mtls-mode: PERMISSIVE",
                "sluice.io/mtls-mode: wrong",
                "sluice.io/metadata-mode: ALLOW",
                "sluice.io/dns-resolvers: 10.0.0.10",
                "openservicemesh.io/sidecar-injection: enabled",
                "flomesh.io/traffic-warmup-enable: \"no\"",
                "flomesh.io/traffic-warmup-enable: \"yes\"",
                "sluice.io/outbound-port-exclusion-list: \"6379\""),
            app(),
            one("node-0", "node-1", "node-2"),
            one("false", "false", "false", "true"),
            one("http", "admin"),
            8080 + random.nextInt(2),
            one("Running", "Running", "Running", "Succeeded"),
            one("{ip: " + address("10.0.0.") + "}", "", "{ip: 10.0.0.1}, {ip: fd00::1}"),
            one("True\", lastTransitionTime: \"2026-01-04T00:00:00Z", "True", "False"));
  }

  private String created() {
    return "\n  creationTimestamp: 2026-01-0" + (1 + random.nextInt(3)) + "T00:00:00Z";
  }

  private String node() {
    return """
    apiVersion: v1
    kind: Node
    metadata: {name: node-%d, labels: {%s}}
    spec: {%s}
    """
        .formatted(
            random.nextInt(3),
            one("", "topology.kubernetes.io/zone: a", "topology.kubernetes.io/zone: b"),
            one("", "podCIDRs: [10.0.0.0/30]", "podCIDRs: [10.0.0.4/30, \"fd00::/64\"]"));
  }

  private String address(String prefix) {
    return prefix + (1 + random.nextInt(5));
  }

  private String service() {
    return """
    apiVersion: v1
    kind: Service
    metadata:
      name: %s
      namespace: %s%s
      annotations: {%s}
    spec:
      type: %s
      clusterIP: %s
      selector: {%s}
      publishNotReadyAddresses: %s
      internalTrafficPolicy: %s
      ports: [{name: main, port: 80, targetPort: %s}, {name: dns, port: 53, protocol: UDP}]
    """
        .formatted(
            app(),
            namespaceName(),
            one("", created()),
            one(
                "",
                "",
                "sluice.io/l7: off",
                "sluice.io/l7: on",
                "flomesh.io/traffic-warmup-enable: \"yes\""),
            one("ClusterIP", "ClusterIP", "ClusterIP", "ExternalName"),
            one("None", address("10.96.0."), address("10.96.0.")),
            one("", "app: " + app(), "app: " + app() + ", tier: front", "tier: back"),
            one("false", "true"),
            one("Cluster", "Local"),
            one("http", "8080", "admin"));
  }

  private String slice() {
    String type = one("IPv4", "IPv4", "FQDN");
    return """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata:
      name: %s-%d
      namespace: %s
      labels: {%s}
    addressType: %s
    ports: [{name: main, port: %d}]
    endpoints: [{addresses: [%s], conditions: {ready: %s}}]
    """
        .formatted(
            app(),
            random.nextInt(2),
            namespaceName(),
            one("", "kubernetes.io/service-name: " + app(), "kubernetes.io/service-name: web"),
            type,
            8080 + random.nextInt(2),
            type.equals("FQDN") ? "db.example" : address("10.0.0."),
            one("true", "false"));
  }

  private String namespace() {
    return """
    apiVersion: v1
    kind: Namespace
    metadata:
      name: %s
      labels: {%s}
      annotations: {%s}
    """
        .formatted(
            namespaceName(),
            one(
                "sluice.io/mesh: enabled",
                "sluice.io/mesh: disabled",
                "openservicemesh.io/monitored-by: osm",
                "openservicemesh.io/ignore: \"true\"",
                ""),
            one(
                "openservicemesh.io/sidecar-injection: enabled",
                "sluice.io/mtls-mode: PERMISSIVE",
                "sluice.io/mtls-mode: wrong",
                "sluice.io/l7: off",
                "sluice.io/l7: wrong",
                "flomesh.io/traffic-warmup-enable: \"yes\"",
                ""));
  }

  private String target() {
    String namespace = namespaceName();
    return """
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %s-%d, namespace: %s}
    spec:
      destination: {kind: ServiceAccount, name: %s, namespace: %s}
      sources: [{kind: %s, name: %s, namespace: %s}, {kind: ServiceAccount, name: %s}]
      rules: [{kind: %s, name: %s}, {%s, name: %s}]
    """
        .formatted(
            app(),
            random.nextInt(2),
            namespace,
            app(),
            one(namespace, namespace, NAMESPACES),
            one("ServiceAccount", "ServiceAccount", "User"),
            app(),
            namespaceName(),
            app(),
            one("TCPRoute", "TCPRoute", "UDPRoute", "HTTPRouteGroup"),
            app(),
            one(
                "kind: TCPRoute",
                "kind: UDPRoute",
                "kind: HTTPRouteGroup",
                "kind: HTTPRouteGroup, matches: [first]",
                "kind: HTTPRouteGroup, matches: [second, none]"),
            app());
  }

  private String one(String first, String second, String[] others) {
    return random.nextInt(4) == 0 ? one(others) : one(first, second);
  }

  private String route() {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: %s
    metadata: {name: %s, namespace: %s}
    spec: {%s}
    """
        .formatted(
            one("TCPRoute", "UDPRoute"),
            app(),
            namespaceName(),
            one("", "matches: {ports: [80]}", "matches: {ports: [81, 82]}"));
  }

  private String group() {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: HTTPRouteGroup
    metadata: {name: %s, namespace: %s}
    spec: {matches: [%s]}
    """
        .formatted(
            app(),
            namespaceName(),
            one(
                "",
                "{name: first, pathRegex: /buy, methods: [GET]}",
                "{name: first, pathRegex: '('}",
                "{name: first, pathRegex: '/x.*'}, {name: second, headers: {Host: shop}}",
                "{name: second, pathRegex: /y}, {name: first, headers: {host: '['}}"));
  }

  private String retry() {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Retry
    metadata:
      name: %s
      namespace: %s
    spec:
      source: {kind: ServiceAccount, name: %s, namespace: %s}
      destinations: [{kind: Service, name: %s, namespace: shop}]
      retryPolicy: {retryOn: 5xx, numRetries: %d}
    """
        .formatted(app(), namespaceName(), app(), namespaceName(), app(), random.nextInt(3));
  }

  /** One, or the ExtensionService of one. */
  private String telemetry() {
    return random.nextInt(3) == 0
        ? """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: ExtensionService
        metadata: {name: %s, namespace: %s}
        spec: {host: %s, port: 4317}
        """
            .formatted(app(), namespaceName(), app())
        : """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Telemetry
        metadata:
          name: %s
          namespace: %s%s
        spec:
          selector: {%s}
          accessLog:
            format: '%s'
            openTelemetry: {extensionService: {name: %s, namespace: %s}, attributes: {a: b}}
        """
            .formatted(
                app(),
                one("mesh", namespaceName()),
                one("", created()),
                one("", "app: " + app(), "app: " + app() + ", version: v1"),
                one("%PROTOCOL%", "{\"a\": \"%REQ(:PATH)%\"}"),
                app(),
                namespaceName());
  }

  private String faults() {
    return """
    apiVersion: extension.gateway.flomesh.io/v1alpha1
    kind: FaultInjection
    metadata: {name: %s, namespace: %s}
    spec: {abort: {percentage: %d}}
    """
        .formatted(app(), namespaceName(), random.nextInt(3));
  }

  private String split() {
    return """
    apiVersion: split.smi-spec.io/v1alpha4
    kind: TrafficSplit
    metadata:
      name: %s-%d
      namespace: %s%s
    spec:
      service: %s
      backends: [{service: %s, weight: %d}, {service: %s, weight: 2}]
      matches: [%s]
    """
        .formatted(
            app(),
            random.nextInt(2),
            namespaceName(),
            one("", created()),
            one(app(), app(), app() + ".shop.svc"),
            app(),
            random.nextInt(2),
            app(),
            one(
                "",
                "",
                "{kind: HTTPRouteGroup, name: " + app() + "}",
                "{kind: TCPRoute, name: " + app() + "}"));
  }

  private String egress() {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Egress
    metadata: {name: %s, namespace: %s}
    spec:
      sources: [{kind: ServiceAccount, name: %s, namespace: shop}]
      hosts: [%s]
      ipAddresses: [%s]
      ports: [{number: 80, protocol: %s}]
      matches: [%s]
    """
        .formatted(
            app(),
            namespaceName(),
            app(),
            one("", "books.example", "'*.example'"),
            one("", "192.0.2.0/24"),
            one("http", "https", "tcp", "udp"),
            one(
                "",
                "",
                "{kind: HTTPRouteGroup, name: " + app() + "}",
                "{kind: UpstreamTrafficSetting, name: " + app() + "-0}"));
  }

  private String ingress() {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: %s
    metadata:
      name: %s
      namespace: %s%s
    spec:
      backends: [{name: %s, port: {number: %d, protocol: %s}}]
      sources: [{kind: %s}]
      matches: [%s]
    """
        .formatted(
            one("IngressBackend", "AccessControl"),
            app(),
            namespaceName(),
            one("", created()),
            app(),
            8080 + random.nextInt(2),
            one("http", "http", "https", "tcp"),
            one(
                "Service, name: " + app() + ", namespace: " + namespaceName(),
                "IPRange, name: 10.1.0.0/16",
                "AuthenticatedPrincipal, name: ingress"),
            one("", "", "{kind: HTTPRouteGroup, name: " + app() + "}"));
  }

  private String isolation() {
    return """
    apiVersion: policy.flomesh.io/v1alpha1
    kind: Isolation
    metadata: {name: %s}
    spec: {cidrs: [%s]}
    """
        .formatted(app(), one("", "10.9.0.0/16, 10.9.0.0/", "10.9.0.0/16, '2001:db8::/32'"));
  }

  private String gatewayRoute() {
    return random.nextInt(4) == 0
        ? """
        apiVersion: gateway.networking.k8s.io/v1beta1
        kind: ReferenceGrant
        metadata: {name: %s, namespace: %s}
        spec:
          from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: %s}]
          to: [{group: "", kind: Service%s}]
        """
            .formatted(app(), namespaceName(), namespaceName(), one("", ", name: " + app()))
        : """
        apiVersion: gateway.networking.k8s.io/v1
        kind: %s
        metadata:
          name: %s-%d
          namespace: %s%s
        spec:
          parentRefs: [{group: "", kind: Service, name: %s, namespace: %s%s}]
          rules:
          - matches: [%s]
            filters: [%s]
            backendRefs: [{name: %s, port: 80, namespace: %s}, {name: %s, port: 81, weight: %d}]
        """
            .formatted(
                one("HTTPRoute", "HTTPRoute", "GRPCRoute"),
                app(),
                random.nextInt(2),
                namespaceName(),
                one("", created()),
                app(),
                namespaceName(),
                one("", ", port: 80", ", sectionName: http"),
                one("", "{headers: [{name: Version, value: two}]}", "{}, {headers: []}"),
                one(
                    "",
                    "",
                    "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-a]}}",
                    "{type: RequestMirror, requestMirror: {backendRef: {name: %s, port: 80}}}"
                        .formatted(app()),
                    "{type: ExtensionRef, extensionRef: {group: extension.gateway.flomesh.io, "
                        + "kind: FaultInjection, name: %s}}".formatted(app()),
                    "{type: ExternalAuth}"),
                app(),
                namespaceName(),
                app(),
                random.nextInt(2));
  }

  private String upstream() {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: UpstreamTrafficSetting
    metadata:
      name: %s-%d
      namespace: %s%s
    spec:
      host: %s
      connectionSettings: {tcp: {maxConnections: %d}}
      httpRoutes: [{path: %s, rateLimit: {local: {requests: 1, unit: minute}}}]
      %s
    """
        .formatted(
            app(),
            random.nextInt(2),
            namespaceName(),
            one("", created()),
            one(app(), app(), app() + ".shop.svc", "books.example"),
            random.nextInt(3),
            one("/buy", "'('"),
            one(
                "",
                "rateLimit: {global: {tcp: {rateLimitService: {host: limits, port: 1}, domain: a,"
                    + " descriptors: [{entries: [{key: b, value: c}]}]}}}"));
  }

  private String config() {
    return """
    apiVersion: config.%s/v1alpha1
    kind: MeshConfig
    metadata:
      name: %s
      namespace: %s%s
    spec:
      traffic: {enablePermissiveTrafficPolicyMode: %s, %s}
      certificate: {deniedSerials: ["%s"]}
      sidecar: {localProxyMode: %s}
      featureFlags: {enableRetryPolicy: %s, enableIngressBackendPolicy: %s,
        enableAccessControlPolicy: %s, enableEnvoyActiveHealthChecks: %s}
    """
        .formatted(
            one("sluice.io", "flomesh.io"),
            one("osm-mesh-config", "sluice-mesh-config", "mine"),
            one("mesh", "mesh", "shop"),
            one("", created()),
            one("true", "false"),
            one(
                "mtlsMode: PERMISSIVE",
                "mtlsMode: odd",
                "pingMode: odd",
                "dnsResolvers: [10.0.0.11]",
                "outboundPortExclusionList: [22]",
                "strange: 1"),
            one("0a", "zz"),
            one("Localhost", "PodIP", "odd"),
            random.nextBoolean(),
            one("true", "true", "false"),
            one("true", "true", "false"),
            random.nextBoolean());
  }

  private String other() {
    return one(
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: shop}}\n",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: shop}}\n",
        "{apiVersion: v2, kind: Pod, metadata: {name: web-1, namespace: shop}}\n");
  }
}
