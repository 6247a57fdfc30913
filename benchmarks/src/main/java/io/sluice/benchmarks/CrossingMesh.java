package io.sluice.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Sluice on both nodes for one {@link Crossing}: a daemon in each node's network and, with mutual
 * TLS, the controller in that of the first, which both join by token. The registry holds the two
 * pods of the crossing only.
 */
final class CrossingMesh implements AutoCloseable {
  private static final int CONTROL_PORT = 15_012;

  private static final String REGISTRY =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec:
        traffic: {enablePermissiveTrafficPolicyMode: %s}
        sidecar: {sidecarDisabledMTLS: %s}
      """;
  private static final String POD =
      """
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: load-%s, namespace: bench, annotations: {sluice.io/netns: %s}}
      spec: {serviceAccountName: %s, nodeName: %s}
      status: {podIPs: [{ip: %s}]}
      """;

  private final NodesTestbed testbed;
  private final Crossing crossing;
  private final String name;
  private final Path launcher;
  private final Path directory;
  private final List<DaemonProcess> daemons = new ArrayList<>();
  private final List<ServerProcess> controllers = new ArrayList<>();

  private CrossingMesh(
      NodesTestbed testbed, Crossing crossing, String name, Path launcher, Path directory) {
    this.testbed = testbed;
    this.crossing = crossing;
    this.name = name;
    this.launcher = launcher;
    this.directory = directory;
  }

  /**
   * Returns once the path is served.
   *
   * @param name of this run; nodes' names begin with it
   * @param directory empty; for registry and states
   */
  static CrossingMesh start(
      NodesTestbed testbed, Crossing crossing, String name, Path launcher, Path directory)
      throws Exception {
    CrossingMesh mesh = new CrossingMesh(testbed, crossing, name, launcher, directory);
    try {
      mesh.start();
      return mesh;
    } catch (Exception e) {
      mesh.close();
      throw e;
    }
  }

  private void start() throws Exception {
    Path registry = Files.createDirectory(directory.resolve("registry"));
    Files.writeString(registry.resolve("mesh.yaml"), registry());
    Path control = directory.resolve("control"); // the controller makes it, closed to others
    if (crossing == Crossing.MUTUAL_TLS) {
      startController(registry, control);
    }
    for (int side = 0; side < 2; side++) {
      Path state = Files.createDirectory(directory.resolve("node" + side));
      List<String> options =
          crossing == Crossing.MUTUAL_TLS
              ? List.of(
                  "--control",
                  testbed.controllerAddress() + ":" + CONTROL_PORT,
                  "--join-token",
                  joinToken(control, side).toString())
              : List.of();
      daemons.add(
          DaemonProcess.start(
              ServerProcess.entering(testbed.node(side)),
              launcher,
              nodeName(side),
              registry,
              state,
              options));
    }
    CrossingReadiness.await(testbed, crossing, daemons);
  }

  private void startController(Path registry, Path control) throws Exception {
    Path log = directory.resolve("control.out");
    List<String> command = new ArrayList<>(ServerProcess.entering(testbed.node(0)));
    command.addAll(
        List.of(
            launcher.toString(),
            "control",
            "run",
            "--registry",
            registry.toString(),
            "--state",
            control.toString(),
            "--listen",
            testbed.controllerAddress() + ":" + CONTROL_PORT));
    ServerProcess controller = ServerProcess.start(log, command);
    controllers.add(controller);
    controller.await(() -> Files.readString(log).contains("controller ready"));
  }

  private Path joinToken(Path control, int side) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                launcher.toString(),
                "control",
                "token",
                "--state",
                control.toString(),
                "--node",
                nodeName(side))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String token = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("no join token for node " + nodeName(side));
    }
    Path file = directory.resolve("token" + side);
    Files.writeString(file, token);
    return file;
  }

  private String nodeName(int side) {
    return nodeName(name, crossing, side);
  }

  private static String nodeName(String run, Crossing crossing, int side) {
    return run + "-" + crossing.ordinal() + side;
  }

  /** All nodes that a run may have started. */
  static List<String> nodeNames(String run) {
    List<String> names = new ArrayList<>();
    for (Crossing crossing : List.of(Crossing.MUTUAL_TLS, Crossing.PLAINTEXT)) {
      names.add(nodeName(run, crossing, 0));
      names.add(nodeName(run, crossing, 1));
    }
    return names;
  }

  /**
   * Without mutual TLS nothing proves a source of another node, so only a permissive mesh works.
   */
  private String registry() {
    boolean plain = crossing == Crossing.PLAINTEXT;
    return REGISTRY.formatted(plain, plain)
        + "---\n"
        + Manifests.enrolledNamespaceAndTarget()
        + pod("client", 0)
        + pod("server", 1);
  }

  private String pod(String account, int side) {
    return POD.formatted(
        account,
        testbed.pod(crossing, side),
        account,
        nodeName(side),
        testbed.podAddress(crossing, side));
  }

  /** Both daemons; not the controller, which no connection passes. */
  ProcessUse hops() {
    return new ProcessUse(daemons.stream().map(DaemonProcess::pid).toList());
  }

  @Override
  public void close() {
    daemons.forEach(DaemonProcess::close);
    controllers.forEach(ServerProcess::close);
  }
}
