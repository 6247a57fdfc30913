package io.sluice.benchmarks;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sluice on both nodes for one {@link Crossing}: a daemon in each node's network and, with mutual
 * TLS, the controller in that of the first, which both join by token. The registry holds the two
 * pods of the crossing only.
 */
final class CrossingMesh implements AutoCloseable {
  private static final String REGISTRY =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec:
        traffic: {enablePermissiveTrafficPolicyMode: %s%s}
        sidecar: {sidecarDisabledMTLS: %s}
        observability: {%s}
        featureFlags: {%s}
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
  private final Launcher launcher;
  private final Path directory;
  private final boolean http;
  private final List<DaemonProcess> daemons = new ArrayList<>();
  private final List<ControlProcess> controllers = new ArrayList<>();

  private CrossingMesh(
      NodesTestbed testbed,
      Crossing crossing,
      String name,
      Launcher launcher,
      Path directory,
      boolean http) {
    this.testbed = testbed;
    this.crossing = crossing;
    this.name = name;
    this.launcher = launcher;
    this.directory = directory;
    this.http = http;
  }

  /**
   * Returns once the path is served.
   *
   * @param name of this run; nodes' names begin with it
   * @param directory empty; for registry and states
   * @param http whether requests are decided too
   */
  static CrossingMesh start(
      NodesTestbed testbed,
      Crossing crossing,
      String name,
      Launcher launcher,
      Path directory,
      boolean http)
      throws Exception {
    CrossingMesh mesh = new CrossingMesh(testbed, crossing, name, launcher, directory, http);
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
    Files.writeString(registry.resolve("mesh.yaml"), registry(Means.NOTHING));
    for (int side = 0; side < 2; side++) {
      List<String> launch = launcher.nodeRun();
      launch.addAll(crossing == Crossing.MUTUAL_TLS ? joining(registry, side) : List.of());
      launch.addAll(List.of("--registry", registry.toString()));
      DaemonProcess daemon =
          new DaemonProcess(
              testbed.node(side),
              nodeName(side),
              launch,
              directory.resolve("node" + side).resolve("state"),
              List.of(),
              List.of());
      daemons.add(daemon);
      daemon.begin();
    }
    CrossingReadiness.await(testbed, crossing, daemons);
  }

  /**
   * Adds this to the registry in the place of what was added before, and returns when both daemons
   * go by it.
   */
  void configure(Means means) throws IOException {
    List<Long> before = enforced();
    RegistryFolder folder = new RegistryFolder(directory.resolve("registry"));
    folder.write("mesh", registry(means));
    if (folder.changes() > 0) {
      Await.until(
          "both nodes go by the change",
          () -> {
            List<Long> now = enforced();
            return IntStream.range(0, now.size()).allMatch(i -> now.get(i) > before.get(i));
          });
    }
  }

  /** The revision of each node's own registry that its pods are brought to. */
  private List<Long> enforced() {
    return daemons.stream()
        .map(each -> each.view().status().path("enforcedRevision").asLong())
        .toList();
  }

  private List<String> joining(Path registry, int side) {
    if (controllers.isEmpty()) {
      SitePod machine = testbed.controlMachine();
      ControlProcess controller =
          new ControlProcess(
              machine,
              machine.address(Family.IPV4),
              ControlProcess.folder(registry),
              directory.resolve("control"),
              List.of());
      controllers.add(controller);
      controller.start();
    }
    ControlProcess controller = controllers.getFirst();
    return List.of(
        "--control",
        controller.address(),
        "--join-token",
        controller.joinToken(nodeName(side)).toString());
  }

  /** The daemon of a node. */
  DaemonProcess daemon(int side) {
    return daemons.get(side);
  }

  /** Of the daemon of a node. */
  String nodeName(int side) {
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
  private String registry(Means means) {
    boolean plain = crossing == Crossing.PLAINTEXT;
    return REGISTRY.formatted(plain, means.traffic(), plain, means.observability(), means.flags())
        + "---\n"
        + means.objects()
        + "---\n"
        + Manifests.enrolledNamespaceAndTarget(means.namespace())
        + (http
            ? Manifests.decidedRequests(
                testbed.podAddress(crossing, 1), means.service(), means.affinity())
            : "")
        + pod("client", 0)
        + pod("server", 1);
  }

  private String pod(String account, int side) {
    return POD.formatted(
        account,
        testbed.pod(crossing, side).netns(),
        account,
        nodeName(side),
        testbed.podAddress(crossing, side));
  }

  /** Both daemons; not the controller, which no connection passes. */
  ProcessUse hops() {
    return ProcessUse.of(daemons.stream().mapToLong(DaemonProcess::pid).toArray());
  }

  @Override
  public void close() {
    daemons.forEach(DaemonProcess::close);
    controllers.forEach(ControlProcess::end);
    // What a daemon leaves attached would be part of what is measured next.
    for (int side = 0; side < daemons.size(); side++) {
      NodeCleanup.removeAll(nodeName(side));
    }
  }
}
