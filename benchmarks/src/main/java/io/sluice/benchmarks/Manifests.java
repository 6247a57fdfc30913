package io.sluice.benchmarks;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The registry that the measured daemon reads: who is enrolled and who may talk to whom. */
final class Manifests {
  static final String NAMESPACE = "bench";

  /** Of the service that {@link #decidedRequests} has. */
  static final String SERVICE_ADDRESS = "10.96.7.6";

  /** Idle, but that its connections flood the server where that is measured. */
  private static final int NEIGHBOUR = 2;

  /** Has no sandbox until a runtime makes one. */
  static final String STARTING_POD = "starting";

  static final String STARTING_POD_UID = "6f1d2c1e-6c1b-4f0e-9d55-0c5a3a6e7b10";

  private static final String STRICT =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: false}}
      ---
      """;
  private static final String POLICY =
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: bench, labels: {sluice.io/mesh: enabled}, annotations: {%2$s}}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: load, namespace: bench}
      spec: {matches: {ports: [%1$s]}}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: load, namespace: bench}
      spec:
        destination: {kind: ServiceAccount, name: server, namespace: bench}
        sources: [{kind: ServiceAccount, name: client, namespace: bench}]
        rules: [{kind: TCPRoute, name: load}]
      """;

  /** Requests of the load's clients, and the same port's twin, on which all bytes are granted. */
  private static final String HTTP =
      """
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: items, namespace: bench}
      spec:
        matches:
        - {name: load, pathRegex: "/load/.*", methods: [GET, PUT]}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: http, namespace: bench}
      spec: {matches: {ports: [%1$d]}}
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: bytes, namespace: bench}
      spec: {matches: {ports: [%2$d]}}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: requests, namespace: bench}
      spec:
        destination: {kind: ServiceAccount, name: server, namespace: bench}
        sources: [{kind: ServiceAccount, name: client, namespace: bench}]
        rules: [{kind: TCPRoute, name: http}, {kind: HTTPRouteGroup, name: items, matches: [load]}]
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: bytes, namespace: bench}
      spec:
        destination: {kind: ServiceAccount, name: server, namespace: bench}
        sources: [{kind: ServiceAccount, name: client, namespace: bench}]
        rules: [{kind: TCPRoute, name: bytes}]
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: server, namespace: bench, annotations: {%5$s}}
      spec:
        clusterIP: %4$s
        sessionAffinity: %6$s
        selector: {app: server}
        ports:
        - {name: items, port: %1$d, appProtocol: http}
        - {name: tcp-items, port: %2$d, appProtocol: tcp}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: server, namespace: bench, labels: {kubernetes.io/service-name: server}}
      addressType: IPv4
      ports: [{name: items, port: %1$d}, {name: tcp-items, port: %2$d}]
      endpoints: [{addresses: [%3$s], conditions: {ready: true}}]
      """;

  private static final String POD =
      """
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: %s, namespace: bench, annotations: {sluice.io/netns: %s}}
      spec: {serviceAccountName: %s%s}
      status: {podIPs: [{ip: %s}, {ip: "%s"}]}
      """;

  /** Of a pod's address, which is another than the service's own. */
  private static final String POD_SERVICE =
      """
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: %1$s, namespace: bench}
      spec: {clusterIP: %2$s, selector: {app: %1$s}, ports: [{port: 80, targetPort: 8080}]}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: %1$s, namespace: bench, labels: {kubernetes.io/service-name: %1$s}}
      addressType: IPv4
      ports: [{port: 8080}]
      endpoints: [{addresses: [%3$s]}]
      """;

  private static final String FORBIDDEN =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: forbidden, namespace: bench}
      spec: {matches: {ports: [%d]}}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: forbidden, namespace: bench}
      spec:
        destination: {kind: ServiceAccount, name: server, namespace: bench}
        sources: [{kind: ServiceAccount, name: %s, namespace: bench}]
        rules: [{kind: TCPRoute, name: forbidden}]
      """;

  private static final String STARTING =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: %s, namespace: %s, uid: "%s"}
      spec: {serviceAccountName: idle}
      """;

  private Manifests() {}

  /** Adds the pod that a runtime will make a sandbox for, again and again. */
  static void addStartingPod(Path folder) throws IOException {
    Files.writeString(
        folder.resolve("starting.yaml"),
        STARTING.formatted(STARTING_POD, NAMESPACE, STARTING_POD_UID));
  }

  /** Adds so many services for each of {@code pods} pods, a file for each pod. */
  static void writeServices(Path folder, Testbed testbed, int pods, int each) throws IOException {
    for (int pod = 0; pod < pods; pod++) {
      StringBuilder text = new StringBuilder();
      for (int number = pod * each; number < (pod + 1) * each; number++) {
        text.append(
            POD_SERVICE.formatted(
                "service-" + number,
                "10.98." + number / 250 + "." + (1 + number % 250),
                IpAddresses.text(testbed.pod(pod).address(Family.IPV4))));
      }
      Files.writeString(folder.resolve("services-" + pod + ".yaml"), text);
    }
  }

  /**
   * Lets the load's clients call {@link LoadServer#FORBIDDEN_PORT}, or nobody; returns as {@link
   * #put}.
   */
  static long allowForbidden(Path folder, boolean allowed) throws IOException {
    return put(
        folder,
        "forbidden.yaml",
        FORBIDDEN.formatted(LoadServer.FORBIDDEN_PORT, allowed ? "client" : "nobody"));
  }

  /**
   * Puts a file in the place of another in one step. Returns the instant before it is there, by
   * {@link System#nanoTime}.
   */
  static long put(Path folder, String name, String text) throws IOException {
    Path aside = folder.resolve("." + name);
    Files.writeString(aside, text);
    long before = System.nanoTime();
    Files.move(
        aside,
        folder.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    return before;
  }

  /**
   * The namespace of all pods, and the permission of the load's clients to call its servers.
   *
   * @param annotations of the namespace
   */
  static String enrolledNamespaceAndTarget(String annotations) {
    String ports =
        IntStream.of(
                LoadServer.ECHO_PORT,
                LoadServer.ONE_BYTE_PORT,
                LoadServer.SINK_PORT,
                LoadServer.SOURCE_PORT,
                LoadServer.MANY_SINKS_PORT,
                LoadServer.HOLD_PORT)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(", "));
    return POLICY.formatted(ports, annotations);
  }

  /**
   * A service of the load's server whose requests are decided on one port and not on another, both
   * granted to its clients. Begins with a separator.
   *
   * @param annotations of the service, with commas
   * @param affinity its {@code sessionAffinity}
   */
  static String decidedRequests(String serverAddress, String annotations, String affinity) {
    return HTTP.formatted(
        LoadServer.HTTP_PORT,
        LoadServer.HTTP_AS_BYTES_PORT,
        serverAddress,
        SERVICE_ADDRESS,
        annotations,
        affinity);
  }

  /**
   * Writes the registry of {@code pods} pods of the test bed into {@code folder}. Pods are enrolled
   * in the order of their names; those that carry the load come last, so an answer between them
   * means that all are.
   *
   * @param http whether {@link #decidedRequests} belong to it: other loads are not to pay for them
   */
  static void write(Path folder, Testbed testbed, int pods, boolean http) throws IOException {
    write(
        folder,
        testbed,
        pods,
        http ? decidedRequests(testbed.path(Route.MESHED).serverAddress(), "", "None") : "",
        pod -> pod == 1 ? "server" : pod == 0 || pod == NEIGHBOUR ? "client" : "idle",
        "");
  }

  /** The same for the controller of {@code node}, each pod with an account of its own. */
  static void writeIdentities(Path folder, Testbed testbed, int pods, String node)
      throws IOException {
    write(
        folder,
        testbed,
        pods,
        "",
        pod -> pod == 0 ? "client" : pod == 1 ? "server" : "idle-" + pod,
        ", nodeName: " + node);
  }

  private static void write(
      Path folder,
      Testbed testbed,
      int pods,
      String objects,
      IntFunction<String> accounts,
      String placed)
      throws IOException {
    StringBuilder text = new StringBuilder(STRICT + enrolledNamespaceAndTarget("") + objects);
    for (int pod = 0; pod < pods; pod++) {
      String account = accounts.apply(pod);
      text.append(
          POD.formatted(
              pod < 2 ? "load-" + account : "idle-" + pod,
              testbed.pod(pod).netns(),
              account,
              placed,
              IpAddresses.text(testbed.pod(pod).address(Family.IPV4)),
              IpAddresses.text(testbed.pod(pod).address(Family.IPV6))));
    }
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("mesh.yaml"), text);
  }
}
