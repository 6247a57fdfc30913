package io.sluice.lab.site;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.PodUid;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Kubernetes YAML for the registry folder. */
public final class Manifests {
  /** The one namespace of all pods; enrolled. */
  public static final String NAMESPACE = "shop";

  private Manifests() {}

  /** The namespace object, labelled for the mesh. */
  public static String namespace() {
    return """
    apiVersion: v1
    kind: Namespace
    metadata: {name: %s, labels: {sluice.io/mesh: enabled}}
    """
        .formatted(NAMESPACE);
  }

  /**
   * The MeshConfig; {@code lists} are further fields of {@code spec.traffic}, in flow style.
   * Plaintext from outside the mesh is decided by policy unless they say otherwise.
   */
  public static String meshConfig(boolean permissive, boolean egress, Map<String, String> lists) {
    Map<String, String> traffic = new TreeMap<>(lists);
    traffic.putIfAbsent("mtlsMode", "PERMISSIVE");
    traffic.put("enablePermissiveTrafficPolicyMode", Boolean.toString(permissive));
    traffic.put("enableEgress", Boolean.toString(egress));
    return """
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: MeshConfig
    metadata: {name: osm-mesh-config, namespace: osm-system}
    spec: {traffic: {%s}}
    """
        .formatted(flow(traffic));
  }

  /** The same MeshConfig, with mutual TLS between nodes turned off. */
  public static String withoutMutualTls(String meshConfig) {
    return meshConfig.replace("spec: {", "spec: {sidecar: {sidecarDisabledMTLS: true}, ");
  }

  /** The MeshConfig by sections of {@code spec}, each in flow style; none set is the default. */
  public static String meshConfig(Map<String, String> sections) {
    return """
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: MeshConfig
    metadata: {name: osm-mesh-config, namespace: osm-system}
    spec: {%s}
    """
        .formatted(flow(new TreeMap<>(sections)));
  }

  /** The namespace object with an annotation. */
  public static String namespace(String annotation, String value) {
    return """
    apiVersion: v1
    kind: Namespace
    metadata: {name: %s, labels: {sluice.io/mesh: enabled}, annotations: {%s: "%s"}}
    """
        .formatted(NAMESPACE, annotation, value);
  }

  /** A Pod with more addresses than its first interface has. */
  public static String pod(SitePod pod, InetAddress... more) {
    String all =
        Stream.of(more)
            .map(address -> ", {ip: \"" + IpAddresses.text(address) + "\"}")
            .collect(Collectors.joining("", "\"}", "]}"));
    return pod(pod, Map.of(), List.of()).replace("\"}]}", all);
  }

  /** A Pod with annotations (quoted here) and tcpSocket probe ports. */
  public static String pod(SitePod pod, Map<String, String> annotations, List<Integer> probePorts) {
    Map<String, String> all = new TreeMap<>();
    annotations.forEach((key, value) -> all.put(key, "\"" + value + "\""));
    all.put("sluice.io/netns", pod.netns());
    String containers =
        probePorts.stream()
            .map(port ->
                "{name: c%s, readinessProbe: {tcpSocket: {port: %s}}}".formatted(port, port))
            .collect(Collectors.joining(", "));
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %1$s, namespace: %2$s, labels: {app: %1$s}, annotations: {%3$s}}
    spec: {serviceAccountName: %1$s, %7$scontainers: [%4$s]}
    status: {podIPs: [{ip: %5$s}, {ip: "%6$s"}]}
    """
        .formatted(
            pod.name(),
            NAMESPACE,
            flow(all),
            containers,
            IpAddresses.text(pod.address(Family.IPV4)),
            IpAddresses.text(pod.address(Family.IPV6)),
            pod.place().nodeName().isEmpty() ? "" : "nodeName: " + pod.place().nodeName() + ", ");
  }

  /** A Pod as a cluster has it: with its UID, and without a word on where its namespace is. */
  public static String runningPod(SitePod pod, PodUid uid, boolean hostNetwork) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %1$s, namespace: %2$s, uid: "%3$s", labels: {app: %1$s}}
    spec: {serviceAccountName: %1$s, hostNetwork: %4$s}
    status: {podIPs: [{ip: %5$s}, {ip: "%6$s"}]}
    """
        .formatted(
            pod.name(),
            NAMESPACE,
            uid,
            hostNetwork,
            IpAddresses.text(pod.address(Family.IPV4)),
            IpAddresses.text(pod.address(Family.IPV6)));
  }

  /** A Pod that waits for its sandbox: no address yet, and found by nothing but its UID. */
  public static String startingPod(String name, PodUid uid) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %1$s, namespace: %2$s, uid: "%3$s", labels: {app: %1$s}}
    spec: {serviceAccountName: %1$s}
    """
        .formatted(name, NAMESPACE, uid);
  }

  /** The same once its sandbox is complete and its addresses are known. */
  public static String startedPod(String name, PodUid uid, List<InetAddress> addresses) {
    String ips =
        addresses.stream()
            .map(address -> "{ip: \"" + IpAddresses.text(address) + "\"}")
            .collect(Collectors.joining(", "));
    return startingPod(name, uid) + "status: {podIPs: [" + ips + "]}\n";
  }

  /** A Service in front of the pods with the label {@code app: <name>}. */
  public static String service(String name, String ipv4, String ipv6, int port, int targetPort) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      clusterIPs: ["%3$s", "%4$s"]
      selector: {app: %1$s}
      ports: [{name: tcp, port: %5$s, targetPort: %6$s, appProtocol: tcp}]
    """
        .formatted(name, NAMESPACE, ipv4, ipv6, port, targetPort);
  }

  /** Lets one pod's account reach another's; on all ports when none are named. */
  public static String trafficTarget(String from, String to, List<Integer> ports) {
    String matches = ports.isEmpty() ? "" : "\nspec: {matches: {ports: %s}}".formatted(ports);
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: TCPRoute
    metadata: {name: %1$s-%2$s, namespace: %3$s}%4$s
    ---
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %1$s-to-%2$s, namespace: %3$s}
    spec:
      destination: {kind: ServiceAccount, name: %2$s, namespace: %3$s}
      sources: [{kind: ServiceAccount, name: %1$s, namespace: %3$s}]
      rules: [{kind: TCPRoute, name: %1$s-%2$s}]
    """
        .formatted(from, to, NAMESPACE, matches);
  }

  private static String flow(Map<String, String> fields) {
    return fields.entrySet().stream()
        .map(entry -> entry.getKey() + ": " + entry.getValue())
        .collect(Collectors.joining(", "));
  }
}
