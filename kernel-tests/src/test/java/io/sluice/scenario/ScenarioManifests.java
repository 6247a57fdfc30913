package io.sluice.scenario;

import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** YAML of the rows. All of it is in one namespace. */
final class ScenarioManifests {
  static final String MESH_CONFIG = "mesh-config";

  /** Addresses are given out in this order. */
  private static final List<String> SERVICES =
      List.of(
          "bookstore",
          "bookstore-v1",
          "bookstore-v2",
          "bookstore-v3",
          "bookwarehouse",
          "books",
          "plain",
          "gateway");

  private ScenarioManifests() {}

  /** Where a service is; nothing that a test has may have such an address. */
  static InetAddress serviceAddress(String name, Family family) {
    int number = 10 + SERVICES.indexOf(name);
    return IpAddresses.parse(family == Family.IPV4 ? "10.99.0." + number : "fd99::" + number);
  }

  static boolean isService(String name) {
    return SERVICES.contains(name);
  }

  /** Several files, of pairs of a name and a text. */
  static Map<String, String> files(String... namesAndTexts) {
    Map<String, String> files = new LinkedHashMap<>();
    for (int i = 0; i < namesAndTexts.length; i += 2) {
      files.put(namesAndTexts[i], namesAndTexts[i + 1]);
    }
    return files;
  }

  static String meshConfig(boolean permissive) {
    return Manifests.meshConfig(
        Map.of("traffic", "{enablePermissiveTrafficPolicyMode: %s}".formatted(permissive)));
  }

  /** A strict one that lets Retries have effect. */
  static String meshConfigWithRetries() {
    return Manifests.meshConfig(Map.of("featureFlags", "{enableRetryPolicy: true}"));
  }

  /** A Retry of an account's calls to a service; what it says in flow style. */
  static String retry(String from, String service, String policy) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Retry
    metadata: {name: %2$s, namespace: %1$s}
    spec:
      source: {kind: ServiceAccount, name: %2$s, namespace: %1$s}
      destinations: [{kind: Service, name: %3$s, namespace: %1$s}]
      retryPolicy: %4$s
    """
        .formatted(Manifests.NAMESPACE, from, service, policy);
  }

  /** A pod of an account, with a label for each word of {@code key=value}. */
  static String pod(SitePod pod, String account, String... labels) {
    return Manifests.pod(pod)
        .replace("serviceAccountName: " + pod.name(), "serviceAccountName: " + account)
        .replace(
            "labels: {app: " + pod.name() + "}",
            "labels: {" + String.join(", ", labels).replace("=", ": ") + "}");
  }

  /**
   * A Service.
   *
   * @param selector in flow style
   * @param ports each in flow style
   */
  static String service(String name, String selector, String... ports) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: %s}
    spec:
      clusterIPs: ["%s", "%s"]
      selector: {%s}
      ports: [%s]
    """
        .formatted(
            name,
            Manifests.NAMESPACE,
            IpAddresses.text(serviceAddress(name, Family.IPV4)),
            IpAddresses.text(serviceAddress(name, Family.IPV6)),
            selector,
            String.join(", ", ports));
  }

  /** A port of a Service in flow style; without a protocol where that is empty. */
  static String port(int port, int target, String appProtocol) {
    return "{name: p%1$d, port: %1$d, targetPort: %2$d%3$s}"
        .formatted(port, target, appProtocol.isEmpty() ? "" : ", appProtocol: " + appProtocol);
  }

  /** An HTTPRouteGroup; each match in flow style. */
  static String routes(String name, String... matches) {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: HTTPRouteGroup
    metadata: {name: %s, namespace: %s}
    spec: {matches: [%s]}
    """
        .formatted(name, Manifests.NAMESPACE, String.join(", ", matches));
  }

  /** A TCPRoute to these ports. */
  static String tcpRoute(String name, Integer... ports) {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: TCPRoute
    metadata: {name: %s, namespace: %s}
    spec: {matches: {ports: %s}}
    """
        .formatted(name, Manifests.NAMESPACE, List.of(ports));
  }

  /** Lets an account reach another's pods by rules, each in flow style. */
  static String target(String from, String to, String... rules) {
    return """
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %2$s-to-%3$s, namespace: %1$s}
    spec:
      destination: {kind: ServiceAccount, name: %3$s, namespace: %1$s}
      sources: [{kind: ServiceAccount, name: %2$s, namespace: %1$s}]
      rules: [%4$s]
    """
        .formatted(Manifests.NAMESPACE, from, to, String.join(", ", rules));
  }

  /** A rule of a target in flow style: some matches of a group, or all. */
  static String http(String group, String... matches) {
    return "{kind: HTTPRouteGroup, name: %s%s}"
        .formatted(
            group, matches.length == 0 ? "" : ", matches: [" + String.join(", ", matches) + "]");
  }

  static String tcp(String route) {
    return "{kind: TCPRoute, name: " + route + "}";
  }

  /** An HTTPRoute that leads a service's requests to it, and copies to others. */
  static String mirrors(String service, String... mirrors) {
    String filters =
        Stream.of(mirrors)
            .map(
                "{type: RequestMirror, requestMirror: {backendRef: {name: %s, port: 80}}}"
                    ::formatted)
            .collect(Collectors.joining(", "));
    return route(service, "filters: [" + filters + "]");
  }

  /** An HTTPRoute that leads a service's requests to it, by a rule in flow style. */
  private static String route(String service, String rule) {
    return """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      parentRefs: [{group: "", kind: Service, name: %1$s, port: 80}]
      rules: [{%3$s, backendRefs: [{name: %1$s, port: 80}]}]
    """
        .formatted(service, Manifests.NAMESPACE, rule);
  }

  /** An UpstreamTrafficSetting of that service; {@code spec} in block style. */
  static String upstream(String service, String spec) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: UpstreamTrafficSetting
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      host: %1$s
    %3$s\
    """
        .formatted(service, Manifests.NAMESPACE, spec.indent(2));
  }

  /** An HTTPRoute that limits how long a service's requests may take, in flow style. */
  static String timeouts(String service, String limits) {
    return route(service, "timeouts: " + limits);
  }

  /** A FaultInjection of a service's requests, in flow style, and the HTTPRoute that names it. */
  static String faults(String service, String spec) {
    return """
    apiVersion: extension.gateway.flomesh.io/v1alpha1
    kind: FaultInjection
    metadata: {name: %1$s, namespace: %2$s}
    spec: %3$s
    ---
    """
            .formatted(service, Manifests.NAMESPACE, spec)
        + route(
            service,
            "filters: [{type: ExtensionRef, extensionRef: {group: extension.gateway.flomesh.io,"
                + " kind: FaultInjection, name: "
                + service
                + "}}]");
  }

  /**
   * An Egress of an account to the pods' ports outside.
   *
   * @param rest further fields of its spec in flow style
   */
  static String egress(String account, int port, String protocol, String rest) {
    return egress(account, account, port, protocol, rest);
  }

  /** The same of that name. */
  static String egress(String name, String account, int port, String protocol, String rest) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Egress
    metadata: {name: %5$s, namespace: %1$s}
    spec: {sources: [{kind: ServiceAccount, name: %2$s, namespace: %1$s}], ports: [{number: %3$d, protocol: %4$s}], %6$s}
    """
        .formatted(Manifests.NAMESPACE, account, port, protocol, name, rest);
  }

  /**
   * An IngressBackend of the bookstore's pods that speak HTTP.
   *
   * @param group of whose matches a request has to meet one; all are meant where it is empty
   * @param sources each in flow style
   */
  static String ingress(String group, String... sources) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: IngressBackend
    metadata: {name: bookstore, namespace: %s}
    spec:
      backends: [{name: bookstore, port: {number: %d, protocol: http}}]
      sources: [%s]
      matches: [%s]
    """
        .formatted(
            Manifests.NAMESPACE,
            Nginx.HTTP,
            String.join(", ", sources),
            group.isEmpty() ? "" : "{kind: HTTPRouteGroup, name: " + group + "}");
  }

  /** One of either kind of the same pods, whose callers speak TLS. */
  static String tlsFrom(String kind, String tls, String... sources) {
    return ingress("", sources)
        .replace("IngressBackend", kind)
        .replace("protocol: http}", "protocol: https}, tls: " + tls);
  }

  /**
   * An AccessControl of the bookstore's pods.
   *
   * @param backends by their ports, with their protocols
   * @param sources each in flow style
   */
  static String access(Map<Integer, String> backends, String... sources) {
    String written =
        String.join(
            ", ",
            backends.entrySet().stream()
                .map(each ->
                    "{name: bookstore, port: {number: %d, protocol: %s}}"
                        .formatted(each.getKey(), each.getValue()))
                .toList());
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: AccessControl
    metadata: {name: bookstore, namespace: %s}
    spec: {backends: [%s], sources: [%s]}
    """
        .formatted(Manifests.NAMESPACE, written, String.join(", ", sources));
  }

  /**
   * A TrafficSplit.
   *
   * @param group of whose matches a request has to meet one; all are meant where it is empty
   * @param weights by backend
   */
  static String split(String root, String group, Map<String, Integer> weights) {
    String backends =
        String.join(
            ", ",
            weights.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(each -> "{service: %s, weight: %d}".formatted(each.getKey(), each.getValue()))
                .toList());
    return """
    apiVersion: split.smi-spec.io/v1alpha4
    kind: TrafficSplit
    metadata: {name: %s-split, namespace: %s}
    spec: {service: %s, backends: [%s]%s}
    """
        .formatted(
            root,
            Manifests.NAMESPACE,
            root,
            backends,
            group.isEmpty() ? "" : ", matches: [{kind: HTTPRouteGroup, name: " + group + "}]");
  }
}
