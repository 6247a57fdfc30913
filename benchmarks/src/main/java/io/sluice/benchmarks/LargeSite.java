package io.sluice.benchmarks;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Flow;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A registry of many pods, and what changes in it. Each service has a service account, five pods on
 * five nodes, an EndpointSlice, and a TrafficTarget for three other services. On each node runs an
 * agent, as of a DaemonSet; one target says whether agents may call service 0. One more service has
 * a single pod, which is replaced again and again.
 */
final class LargeSite {
  static final int REPLICAS = 5;
  private static final int CALLERS = 3;
  private static final int OBJECTS_PER_FILE = 100;
  private static final int PORT = 8080;
  private static final int CLIENT_PORT = 40_000;

  private static final String MESH =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: false}}
      ---
      apiVersion: v1
      kind: Namespace
      metadata: {name: site, labels: {sluice.io/mesh: enabled}}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: web, namespace: site}
      spec: {matches: {ports: [8080]}}
      """;

  private static final String POD =
      """
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: %1$s, namespace: site, labels: {app: %2$s, version: v1}}
      spec: {serviceAccountName: %2$s, nodeName: %3$s}
      status: {podIPs: [{ip: %4$s}]}
      """;

  private static final String SERVICE =
      """
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: %1$s, namespace: site}
      spec: {clusterIP: %2$s, selector: {app: %1$s}, ports: [{port: 80, targetPort: 8080}]}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: %1$s, namespace: site, labels: {kubernetes.io/service-name: %1$s}}
      addressType: IPv4
      ports: [{port: 8080}]
      endpoints: [%3$s]
      """;

  private static final String TARGET =
      """
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: %s, namespace: site}
      spec:
        destination: {kind: ServiceAccount, name: %s, namespace: site}
        sources: [%s]
        rules: [{kind: TCPRoute, name: web}]
      """;

  private final Path folder;
  private final int services;
  private final int nodes;

  /**
   * @param folder the registry
   * @param pods of services; agents come on top
   */
  LargeSite(Path folder, int pods, int nodes) {
    this.folder = folder;
    this.services = pods / REPLICAS;
    this.nodes = nodes;
  }

  /** Writes all of it; agents may call nobody. */
  void write() throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("mesh.yaml"), MESH);
    StringBuilder[] pods = new StringBuilder[nodes];
    for (int node = 0; node < nodes; node++) {
      pods[node] =
          new StringBuilder(POD.formatted("agent-" + node, "agent", node(node), agent(node)));
    }
    for (int service = 0; service < services; service++) {
      for (int replica = 0; replica < REPLICAS; replica++) {
        pods[nodeOf(service, replica)].append(
            POD.formatted(
                app(service) + "-" + replica,
                app(service),
                node(nodeOf(service, replica)),
                address(service, replica)));
      }
    }
    for (int node = 0; node < nodes; node++) {
      Files.writeString(folder.resolve("pods-" + node + ".yaml"), pods[node]);
    }
    for (int first = 0; first < services; first += OBJECTS_PER_FILE) {
      writeServices(first, Math.min(services, first + OBJECTS_PER_FILE));
    }
    allowAgents(false);
    allowNeighbour(false);
    replacePod(0);
  }

  private void writeServices(int first, int end) throws IOException {
    StringBuilder text = new StringBuilder();
    StringBuilder targets = new StringBuilder();
    for (int service = first; service < end; service++) {
      StringBuilder endpoints = new StringBuilder();
      for (int replica = 0; replica < REPLICAS; replica++) {
        endpoints
            .append(endpoints.isEmpty() ? "" : ", ")
            .append("{addresses: [" + address(service, replica) + "]}");
      }
      text.append(SERVICE.formatted(app(service), virtualAddress(service), endpoints));
      StringBuilder sources = new StringBuilder();
      for (int caller = 1; caller <= CALLERS; caller++) {
        sources
            .append(sources.isEmpty() ? "" : ", ")
            .append(source(app((service + 2 + caller) % services)));
      }
      targets.append(TARGET.formatted(app(service), app(service), sources));
    }
    Files.writeString(folder.resolve("services-" + first + ".yaml"), text);
    Files.writeString(folder.resolve("targets-" + first + ".yaml"), targets);
  }

  /**
   * Lets the agents of all nodes call service 0, or nobody. Returns the instant before the file is
   * there, by {@link System#nanoTime}.
   */
  long allowAgents(boolean allowed) throws IOException {
    return Manifests.put(
        folder,
        "target-agents.yaml",
        TARGET.formatted("agents", app(0), source(allowed ? "agent" : "nobody")));
  }

  /** The same of service 2 calling service 1, which concerns ten nodes. */
  long allowNeighbour(boolean allowed) throws IOException {
    return Manifests.put(
        folder,
        "target-neighbour.yaml",
        TARGET.formatted("neighbour", app(1), source(allowed ? app(2) : "nobody")));
  }

  /** Puts the pod of that number in the place of the one before, at another address. */
  long replacePod(int number) throws IOException {
    String address = IpAddresses.text(replaced(number));
    return Manifests.put(
        folder,
        "replaced.yaml",
        POD.formatted("replaced-" + number, "replaced", node(0), address)
            + SERVICE.formatted("replaced", "10.95.0.1", "{addresses: [" + address + "]}"));
  }

  /** From a node's agent to service 0. */
  Flow agentCalls(int node) {
    return flow("agent-" + node, agent(node), address(0, 0));
  }

  /** From a pod of service 2 to service 1. */
  Flow neighbourCalls(int replica) {
    return flow(app(2) + "-" + replica, address(2, replica), address(1, 0));
  }

  /** Where the pod of {@link #neighbourCalls} runs. */
  int neighbourNode(int replica) {
    return nodeOf(2, replica);
  }

  /** Where a pod that it calls runs. */
  int calledNode(int replica) {
    return nodeOf(1, replica);
  }

  /** Whether {@code snapshot} lets service 2 call service 1. */
  static boolean allowsNeighbour(MeshSnapshot snapshot) {
    return snapshot
        .permission(new NamespacedName("site", "neighbour"))
        .filter(granted -> granted.sources().contains(new NamespacedName("site", app(2))))
        .isPresent();
  }

  private static Flow flow(String pod, String from, String to) {
    return new Flow(
        new NamespacedName("site", pod),
        new InetSocketAddress(IpAddresses.parse(from), CLIENT_PORT),
        new InetSocketAddress(IpAddresses.parse(to), PORT));
  }

  /** Address of the replaced pod of that number. */
  static InetAddress replaced(int number) {
    return IpAddresses.parse("10.94." + number / 250 + "." + (1 + number % 250));
  }

  String node(int number) {
    return "node-" + number;
  }

  private int nodeOf(int service, int replica) {
    return (service + replica * Math.max(1, nodes / REPLICAS)) % nodes;
  }

  private static String app(int service) {
    return "app-" + service;
  }

  private static String source(String account) {
    return "{kind: ServiceAccount, name: " + account + ", namespace: site}";
  }

  private static String address(int service, int replica) {
    int number = service * REPLICAS + replica;
    return "10." + number / 62_500 + "." + number / 250 % 250 + "." + (1 + number % 250);
  }

  private static String agent(int node) {
    return "10.93." + node / 250 + "." + (1 + node % 250);
  }

  private static String virtualAddress(int service) {
    return "10.96." + service / 250 + "." + (1 + service % 250);
  }
}
