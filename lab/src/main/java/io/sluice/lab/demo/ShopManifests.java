package io.sluice.lab.demo;

import io.sluice.lab.site.Manifests;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.function.Function;

/** The shop as Kubernetes YAML, on one node or on two. */
final class ShopManifests {
  private ShopManifests() {}

  /**
   * A pod of the shop.
   *
   * @param netns name of its network namespace
   * @param annotations further ones, each behind a comma
   * @param spec further fields, each behind a comma
   * @param addresses by family
   */
  static String pod(
      DemoPod pod,
      String netns,
      String annotations,
      String spec,
      Function<IpFamily, InetAddress> addresses) {
    return """
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: %s
      namespace: shop
      labels: {app: %s, version: %s}
      annotations: {sluice.io/netns: %s%s}
    spec: {serviceAccountName: %s%s}
    status: {podIPs: [{ip: %s}, {ip: "%s"}]}
    """
        .formatted(
            pod.label(),
            pod.app(),
            pod.version(),
            netns,
            annotations,
            pod.app(),
            spec,
            IpAddresses.text(addresses.apply(IpFamily.IPV4)),
            IpAddresses.text(addresses.apply(IpFamily.IPV6)));
  }

  static String services() {
    return service("store", 10, DemoPlan.SERVICE_PORT, DemoPlan.STORE_PORT)
        + "---\n"
        + service("warehouse", 20, DemoPlan.WAREHOUSE_PORT, DemoPlan.WAREHOUSE_PORT);
  }

  private static String service(String name, int number, int port, int targetPort) {
    return Manifests.service(
        name,
        DemoPlan.serviceAddress(IpFamily.IPV4, number),
        DemoPlan.serviceAddress(IpFamily.IPV6, number),
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

  static String trafficTarget(String name, String source, String destination, String route) {
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
}
