package io.sluice.kernel;

import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Random objects around some pods: who may call whom, what is excluded, where Services lead. In one
 * text, so that daemons see a change whole. Holds what it made, to be changed.
 */
final class RandomMesh {
  /** Declared TCP, declared HTTP, undeclared, and of no Service. */
  static final List<Integer> PORTS = List.of(8080, 8081, 8082, 9090);

  /** Who calls: the last one is in no mesh. */
  static final List<String> CALLERS = List.of("buyer", "friend", "thief", "loose", "walker");

  static final int DNS = 53;

  /** Who is called, likewise. */
  static final List<String> CALLED = List.of("near", "store", "annexe", "web", "loner");

  /** Services that lead to pods of the account {@code store} or {@code web}. */
  static final List<String> SERVICES = List.of("books", "pages", "broken", "short");

  private static final String TO_PAGES = "backendRefs: [{name: pages, port: 8081}]";

  /** What a route does with the requests that it means. */
  private static final List<String> FILTERS =
      List.of(
          TO_PAGES,
          "filters: [{type: RequestRedirect, requestRedirect: {hostname: b.example, statusCode: 301}}]",
          "filters: [{type: ExtensionRef, extensionRef: {group: extension.gateway.flomesh.io, kind:"
              + " FaultInjection, name: pages}}], "
              + TO_PAGES);

  private static final String ISOLATION =
      """
      apiVersion: policy.flomesh.io/v1alpha1
      kind: Isolation
      metadata: {name: stranger}
      spec: {cidrs: [%s/32]}
      """;

  private static final String EGRESS =
      """
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: Egress
      metadata: {name: out, namespace: shop}
      spec:
        sources: [{kind: ServiceAccount, name: buyer, namespace: shop}, {kind: ServiceAccount, name: loose, namespace: shop}]
        ipAddresses: [%s/32]
        ports: [{number: %d, protocol: tcp}]
      """;

  private static final Map<String, String> ACCOUNTS =
      Map.of("friend", "buyer", "annexe", "store", "near", "web");
  private static final Set<String> OUTSIDE = Set.of("walker", "loner");

  private final Cluster cluster;
  private final Random random;

  /** TrafficTargets by name. */
  final Map<String, String> targets = new TreeMap<>();

  /** Further objects by any name. */
  final Map<String, String> others = new TreeMap<>();

  /** Fields of {@code spec.traffic}. */
  final Map<String, String> traffic = new TreeMap<>();

  /** Annotations of pods. */
  final Map<String, String> annotations = new TreeMap<>();

  boolean denied;
  boolean serves; // every port, and ready

  RandomMesh(Cluster cluster, Random random) {
    this.cluster = cluster;
    this.random = random;
    traffic.put("mtlsMode", chance(50) ? "STRICT" : "PERMISSIVE");
    traffic.put("enablePermissiveTrafficPolicyMode", Boolean.toString(chance(15)));
    traffic.put("enableEgress", Boolean.toString(chance(40)));
    denied = chance(20);
    resolve(chance(50));
    if (chance(50)) {
      annotations.put("loose", "sluice.io/outbound-port-exclusion-list: \"9090\"");
    } else {
      annotations.put(
          "loose",
          "sluice.io/outbound-ip-range-exclusion-list: " + text(cluster.stranger()) + "/32");
    }
    if (chance(50)) {
      annotations.put("near", "sluice.io/inbound-port-exclusion-list: \"9090\"");
    }
    for (String from : List.of("buyer", "thief", "loose")) {
      for (String to : List.of("store", "web")) {
        if (chance(50)) {
          target(from, to);
        }
      }
    }
    if (chance(40)) {
      others.put("split", split(chance(50) ? 0 : 1));
    }
    if (chance(40)) {
      others.put("route", route(chance(50) ? "/x" : "/other", any(FILTERS)));
    }
    if (chance(40)) {
      String letIn = chance(50) ? "walker" : "friend";
      others.put("access", access(chance(50) ? "AccessControl" : "IngressBackend", letIn));
    }
    if (chance(30)) {
      others.put("isolation", ISOLATION.formatted(text(cluster.stranger())));
    }
    if (chance(40)) {
      others.put("egress", EGRESS.formatted(text(cluster.stranger()), any(PORTS)));
    }
  }

  /** The same pods and Services, where nothing is granted or excluded. */
  RandomMesh cleared() {
    targets.clear();
    others.clear();
    annotations.clear();
    traffic.clear();
    denied = false;
    return this;
  }

  /** Adds an object that chance makes seldom for a call that meets it. */
  RandomMesh with(String object) {
    traffic.put("enablePermissiveTrafficPolicyMode", "true");
    switch (object) {
      case "redirect" -> others.put("route", route("/x", FILTERS.get(1)));
      case "FaultInjection" -> others.put("route", route("/x", FILTERS.get(2)));
      case "Isolation" -> others.put("isolation", ISOLATION.formatted(text(cluster.stranger())));
      case "Egress" -> others.put("egress", EGRESS.formatted(text(cluster.stranger()), 8080));
      case "deniedIdentities" -> denied = true;
      default -> others.put("access", access(object, "friend"));
    }
    return this;
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  private <T> T any(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  static String account(String pod) {
    return ACCOUNTS.getOrDefault(pod, pod);
  }

  static String namespace(String pod) {
    return OUTSIDE.contains(pod) ? "town" : "shop";
  }

  static String text(SitePod pod) {
    return IpAddresses.text(pod.address(Family.IPV4));
  }

  private void target(String from, String to) {
    String name = from + "-to-" + to;
    boolean http = chance(40);
    // Where nobody declares anything, who grants requests makes the port HTTP for all that call it.
    List<Integer> possible = http ? PORTS.subList(0, 3) : PORTS;
    Set<Integer> ports = new TreeSet<>(Set.of(any(possible)));
    ports.add(any(possible));
    String match =
        "{name: one, pathRegex: %s, methods: [%s]%s}"
            .formatted(
                any(List.of("/x", "/y", "/.*")),
                any(List.of("GET", "POST", "GET, POST")),
                chance(30) ? ", headers: {v: one}" : "");
    targets.put(
        name,
        """
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: TCPRoute
        metadata: {name: %1$s, namespace: shop}
        spec: {matches: {ports: %4$s}}
        ---
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: HTTPRouteGroup
        metadata: {name: %1$s, namespace: shop}
        spec: {matches: [%5$s]}
        ---
        apiVersion: access.smi-spec.io/v1alpha3
        kind: TrafficTarget
        metadata: {name: %1$s, namespace: shop}
        spec:
          destination: {kind: ServiceAccount, name: %3$s, namespace: shop}
          sources: [{kind: ServiceAccount, name: %2$s, namespace: shop}]
          rules: [{kind: TCPRoute, name: %1$s}%6$s]
        """
            .formatted(
                name,
                from,
                to,
                ports,
                match,
                http ? ", {kind: HTTPRouteGroup, name: " + name + "}" : ""));
  }

  private static String split(int weight) {
    return """
    apiVersion: split.smi-spec.io/v1alpha4
    kind: TrafficSplit
    metadata: {name: books, namespace: shop}
    spec: {service: books, backends: [{service: pages, weight: %d}, {service: broken, weight: 0}]}
    """
        .formatted(weight);
  }

  private static String route(String path, String filter) {
    return """
    apiVersion: extension.gateway.flomesh.io/v1alpha1
    kind: FaultInjection
    metadata: {name: pages, namespace: shop}
    spec: {abort: {percentage: 100, response: {status: 418}}}
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: pages, namespace: shop}
    spec:
      parentRefs: [{group: "", kind: Service, name: pages, port: 8081}]
      rules: [{matches: [{path: {type: PathPrefix, value: %s}}], %s}]
    """
        .formatted(path, filter);
  }

  /** Lets that pod's address in, and by it nobody else, at the declared ports. */
  private String access(String kind, String pod) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: %s
    metadata: {name: pages, namespace: shop}
    spec:
      backends: [{name: pages, port: {number: 8081, protocol: http}}]
      sources: [{kind: IPRange, name: %s/32}]
    """
        .formatted(kind, text(cluster.pod(pod)));
  }

  private String service(String name) {
    String app = name.equals("books") || name.equals("short") ? "store" : "web";
    boolean whole = serves || !name.equals("short");
    boolean ready = serves || !name.equals("broken");
    String ports =
        (whole ? "{name: tcp, port: 8080, targetPort: 8080, appProtocol: tcp}, " : "")
            + "{name: http, port: 8081, targetPort: 8081, appProtocol: http},"
            + " {name: free, port: 8082, targetPort: 8082}"
            + (serves ? ", {name: more, port: 9090, targetPort: 9090}" : "");
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s, namespace: shop}
    spec:
      clusterIPs: ["10.99.0.%2$d"]
      selector: {account: %3$s, ready: "%4$s"}
      ports: [%5$s]
    """
        .formatted(name, SERVICES.indexOf(name) + 1, app, ready, ports);
  }

  private String pod(String name) {
    SitePod pod = cluster.pod(name);
    String more = annotations.getOrDefault(name, "");
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %1$s, namespace: %2$s, labels: {account: %3$s, ready: "true"}, annotations: {sluice.io/netns: %4$s%5$s}}
    spec: {serviceAccountName: %3$s, nodeName: %6$s, containers: []}
    status: {podIPs: [{ip: %7$s}]}
    """
        .formatted(
            name,
            namespace(name),
            account(name),
            pod.netns(),
            more.isEmpty() ? "" : ", " + more,
            pod.place().nodeName(),
            text(pod));
  }

  private String config() {
    String fields =
        traffic.entrySet().stream()
            .map(entry -> entry.getKey() + ": " + entry.getValue())
            .collect(Collectors.joining(", "));
    return """
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: MeshConfig
    metadata: {name: osm-mesh-config, namespace: osm-system}
    spec: {traffic: {%s}%s}
    """
        .formatted(
            fields,
            denied
                ? ", certificate: {deniedIdentities: [\"spiffe://cluster.local/ns/shop/sa/thief\"]}"
                : "");
  }

  /** Names the stranger as a resolver, or nobody. */
  void resolve(boolean byStranger) {
    traffic.put("dnsResolvers", byStranger ? "[" + text(cluster.stranger()) + "]" : "[]");
  }

  /** All of it. */
  String yaml() {
    List<String> all = new ArrayList<>();
    Map.of("shop", "enabled", "town", "disabled")
        .forEach((name, word) ->
            all.add(
                """
                apiVersion: v1
                kind: Namespace
                metadata: {name: %s, labels: {sluice.io/mesh: %s}}
                """
                    .formatted(name, word)));
    all.add(config());
    CALLERS.forEach(name -> all.add(pod(name)));
    CALLED.forEach(name -> all.add(pod(name)));
    SERVICES.forEach(name -> all.add(service(name)));
    all.addAll(targets.values());
    all.addAll(others.values());
    return String.join("---\n", all);
  }

  /** A call that is worth a question: mostly between pods, some to Services and to a stranger. */
  WhyCall call() {
    String from = any(CALLERS);
    boolean redirected = !from.equals("walker") && !from.equals("loose");
    int kind = random.nextInt(10);
    int port = any(PORTS);
    String to;
    if (kind == 0) {
      to = text(cluster.stranger());
      port = chance(50) ? DNS : port;
    } else if (kind <= 4 && redirected) { // nothing translates cluster IPs here but the proxy
      to = "shop/" + any(SERVICES);
    } else {
      String name = any(CALLED);
      // Of pods outside the mesh a node is told where that is of use only.
      to = OUTSIDE.contains(name) ? text(cluster.pod(name)) : "shop/" + name;
    }
    return new WhyCall(
        from,
        to + ":" + port,
        port == 8081 || port == 8082 ? any(List.of("GET", "POST")) : "",
        any(List.of("/x", "/y", "/x/./z?q=1")),
        chance(50) ? Map.of("v", any(List.of("one", "two"))) : Map.of());
  }
}
