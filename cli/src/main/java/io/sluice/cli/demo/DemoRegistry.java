package io.sluice.cli.demo;

import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The folder of Kubernetes YAML that the daemon watches. Every change is one atomic rename. */
final class DemoRegistry {
  /** File with the permissions that always hold. */
  static final String POLICY = "policy.yaml";

  /** Line of {@link #breakPolicy} that is wrong. */
  static final int BROKEN_LINE = 4;

  private static final String MESH = "mesh.yaml";
  private static final String PODS = "pods.yaml";
  private static final String SERVICES = "services.yaml";
  private static final String THIEF = "thief.yaml";

  private final DemoPlan plan;
  private final Path folder;

  DemoRegistry(DemoPlan plan) {
    this(plan, plan.registry());
  }

  DemoRegistry(DemoPlan plan, Path folder) {
    this.plan = plan;
    this.folder = folder;
  }

  /** The beginning: strict, nothing excluded, the thief not allowed. */
  void write() {
    permissive(false);
    excludeBank(false);
    put(SERVICES, services());
    put(POLICY, policy());
  }

  /** Allows everything, or only what is granted. */
  void permissive(boolean on) {
    put(
        MESH,
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        spec:
          traffic:
            enablePermissiveTrafficPolicyMode: %s
            enableEgress: false
            mtlsMode: PERMISSIVE
        """
            .formatted(on));
  }

  /** Leaves the buyer's connections to the bank alone, or not. */
  void excludeBank(boolean on) {
    StringBuilder pods = new StringBuilder(namespace());
    for (DemoPod pod : DemoPod.enrolled()) {
      pods.append(pod(pod, on && pod == DemoPod.BUYER ? exclusion() : ""));
    }
    put(PODS, pods.toString());
  }

  /** Lets the thief call the store. */
  void grantThief() {
    put(THIEF, trafficTarget("thief-to-store", "thief", "store", "store-port"));
  }

  /** Takes it back. */
  void revokeThief() {
    try {
      Files.deleteIfExists(folder.resolve(THIEF));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + THIEF, e);
    }
  }

  /** A TrafficTarget whose destination is no mapping: the file as a whole cannot be used. */
  void breakPolicy() {
    put(
        POLICY,
        """
        apiVersion: access.smi-spec.io/v1alpha3
        kind: TrafficTarget
        metadata: {name: anybody-to-store, namespace: shop}
        spec: everything goes
        """);
  }

  /** Mends it. */
  void mendPolicy() {
    put(POLICY, policy());
  }

  private static String exclusion() {
    return ", sluice.io/outbound-port-exclusion-list: \"" + DemoPlan.BANK_PORT + "\"";
  }

  static String namespace() {
    return """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {sluice.io/mesh: enabled}}
    """;
  }

  private String pod(DemoPod pod, String annotations) {
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: %s
      namespace: shop
      labels: {app: %s, version: %s}
      annotations: {sluice.io/netns: %s%s}
    spec: {serviceAccountName: %s}
    status: {podIPs: [{ip: %s}, {ip: "%s"}]}
    """
        .formatted(
            pod.label(),
            pod.app(),
            pod.version(),
            plan.netns(pod),
            annotations,
            pod.app(),
            IpAddresses.text(pod.address(IpFamily.IPV4)),
            IpAddresses.text(pod.address(IpFamily.IPV6)));
  }

  static String services() {
    return service("store", 10, DemoPlan.SERVICE_PORT, DemoPlan.STORE_PORT)
        + "---\n"
        + service("warehouse", 20, DemoPlan.WAREHOUSE_PORT, DemoPlan.WAREHOUSE_PORT);
  }

  private static String service(String name, int number, int port, int targetPort) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec:
      clusterIPs: ["%s", "%s"]
      selector: {app: %s}
      ports: [{name: tcp, port: %d, targetPort: %d, appProtocol: tcp}]
    """
        .formatted(
            name,
            DemoPlan.serviceAddress(IpFamily.IPV4, number),
            DemoPlan.serviceAddress(IpFamily.IPV6, number),
            name,
            port,
            targetPort);
  }

  static String policy() {
    return tcpRoute("store-port", DemoPlan.STORE_PORT)
        + "---\n"
        + tcpRoute("warehouse-port", DemoPlan.WAREHOUSE_PORT)
        + "---\n"
        + trafficTarget("buyer-to-store", "buyer", "store", "store-port")
        + "---\n"
        + trafficTarget("store-to-warehouse", "store", "warehouse", "warehouse-port");
  }

  private static String tcpRoute(String name, int port) {
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: TCPRoute
    metadata: {name: %s, namespace: shop}
    spec: {matches: {ports: [%d]}}
    """
        .formatted(name, port);
  }

  private static String trafficTarget(
      String name, String source, String destination, String route) {
    return """
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %s, namespace: shop}
    spec:
      destination: {kind: ServiceAccount, name: %s, namespace: shop}
      sources: [{kind: ServiceAccount, name: %s, namespace: shop}]
      rules: [{kind: TCPRoute, name: %s}]
    """
        .formatted(name, destination, source, route);
  }

  private void put(String file, String content) {
    Path target = folder.resolve(file);
    Path hidden = folder.resolve("." + file);
    try {
      Files.createDirectories(folder);
      Files.writeString(hidden, content);
      Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + target, e);
    }
  }
}
