package io.sluice.cli.node;

import io.sluice.cli.control.EmbeddedController;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.process.KernelClock;
import io.sluice.node.InterceptionMode;
import io.sluice.node.NodeCleanup;
import io.sluice.node.NodeDaemon;
import io.sluice.node.NodeSettings;
import io.sluice.node.RegistryFindings;
import io.sluice.node.cni.CniOptions;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsRule;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.placement.PlacementSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import io.sluice.process.SiteClock;
import io.sluice.proxy.ProxySettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code sluice node train}: runs a daemon for a moment, so that the JVM can record which classes
 * it needs (an ahead-of-time cache). One pod, one object of each kind that most meshes have, one
 * client outside the mesh, a few connections through the inbound path, and the questions that are
 * to be answered at once; everything is removed again.
 */
@Command(
    name = "train",
    hidden = true,
    description = "Exercises the daemon once, for the launcher's ahead-of-time cache.")
final class TrainCommand implements Callable<Integer> {
  @Option(
      names = "--controller-class-path",
      paramLabel = "CLASSPATH",
      description =
          "Where the controller is that the daemon joins, in a process of its own: what is recorded is"
              + " a daemon's alone. Default: in this process.")
  private @Nullable String classPath;

  @Option(
      names = "--as-controller",
      paramLabel = "DIR",
      description = "Is that controller, of the node of that name, until standard input ends.")
  private @Nullable Path ownState;

  private static final int CONNECTIONS = 200;
  private static final int PORT = 8080;

  /** For the slowest machine; what has not come by then is a failure. */
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private static final String POD_ADDRESS = "10.254.254.2";
  private static final String CLIENT_ADDRESS = "10.254.254.1";
  private static final String MANIFESTS =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: true, mtlsMode: PERMISSIVE}}
      ---
      apiVersion: v1
      kind: Pod
      metadata:
        name: trainee
        namespace: train
        labels: {sluice.io/mesh: enabled, app: trainee}
        annotations: {sluice.io/netns: %s}
      status: {podIPs: [{ip: %s}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: trainee, namespace: train}
      spec:
        clusterIPs: [10.254.254.254]
        selector: {app: trainee}
        ports: [{name: tcp-train, port: 80, targetPort: 8080}]
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: train, namespace: train}
      spec: {matches: {ports: [8080]}}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: train, namespace: train}
      spec:
        destination: {kind: ServiceAccount, name: default, namespace: train}
        sources: [{kind: ServiceAccount, name: default, namespace: train}]
        rules: [{kind: TCPRoute, name: train}]
      """;

  private static final String KUBECONFIG =
      """
      apiVersion: v1
      kind: Config
      clusters: [{name: train, cluster: {server: "http://127.0.0.1:%s"}}]
      contexts: [{name: train, context: {cluster: train, user: train}}]
      users: [{name: train, user: {token: none}}]
      current-context: train
      """;

  @Override
  public Integer call() throws Exception {
    return ownState == null ? train() : control(ownState);
  }

  private int train() throws Exception {
    String name = "train-" + ProcessHandle.current().pid();
    Path directory = Files.createTempDirectory("sluice-train");
    String pod = "sluice-" + name + "-pod";
    String client = "sluice-" + name + "-out";
    try {
      makeNamespaces(pod, client);
      Path registry = Files.createDirectory(directory.resolve("registry"));
      Files.writeString(registry.resolve("mesh.yaml"), MANIFESTS.formatted(pod, POD_ADDRESS));
      join(name, directory, Path.of("/run/netns", pod), Path.of("/run/netns", client));
      return ExitCode.OK.code();
    } finally {
      ip("netns", "del", pod);
      ip("netns", "del", client);
      Cgroups.moveSelfTo(Cgroups.rootV2()); // a cgroup with a member cannot be removed
      NodeCleanup.removeAll(name);
      try (Stream<Path> made = Files.walk(directory)) {
        for (Path path : made.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private void join(String name, Path directory, Path pod, Path client) throws Exception {
    Path registry = directory.resolve("registry");
    Path state = directory.resolve(name);
    SiteClock clock = SiteClock.open(directory, KernelClock::isKept);
    if (classPath == null) {
      try (EmbeddedController inside = EmbeddedController.start(registry, state, name, clock)) {
        NodeSettings settings =
            settings(name, directory, inside.address(), inside.joinToken().toString());
        exercise(name, NodeDaemon.start(settings, clock, inside::registry), pod, client);
      }
      return;
    }
    Process controller = startController(classPath, state);
    CompletableFuture<Process> _ =
        controller
            .onExit()
            .orTimeout(LIMIT.toSeconds(), TimeUnit.SECONDS)
            .exceptionally(late -> controller.destroyForcibly());
    try (BufferedReader told = controller.inputReader()) {
      NodeSettings settings =
          settings(name, directory, ControlAddress.parse(line(told)), line(told));
      exercise(name, NodeDaemon.start(settings, clock, () -> RegistryFindings.NONE), pod, client);
    } finally {
      controller.getOutputStream().close();
      controller.waitFor();
    }
  }

  private static String line(BufferedReader told) throws IOException {
    String line = told.readLine();
    if (line == null) {
      throw new IOException("the controller ended before it was ready; what it said is above");
    }
    return line;
  }

  private static Process startController(String classPath, Path state) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            classPath,
            "io.sluice.cli.SluiceCommand",
            "node",
            "train",
            "--as-controller",
            state.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static int control(Path state) throws IOException {
    String node = state.getFileName().toString();
    try (EmbeddedController own =
        EmbeddedController.start(
            state.resolveSibling("registry"), state, node, InstantSource.system())) {
      System.out.println(own.address());
      System.out.println(own.joinToken());
      System.in.transferTo(OutputStream.nullOutputStream());
      return ExitCode.OK.code();
    }
  }

  private static NodeSettings settings(
      String name, Path directory, ControlAddress controller, String joinToken) {
    return new NodeSettings(
        name,
        directory,
        InterceptionMode.ebpf,
        false,
        Set.of(),
        false,
        false,
        new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0),
        "access.log",
        false,
        Duration.ofSeconds(1),
        ProxySettings.DEFAULTS,
        PlacementSettings.DEFAULTS,
        EarlierConnectionsRule.BY_MODE,
        NodeSettings.PATH_CHECK_INTERVAL,
        NodeSettings.PATH_CHECK_PATIENCE,
        CniOptions.OFF,
        new ControlSettings(controller, new Admission.JoinToken(Path.of(joinToken)), false, null),
        false,
        null);
  }

  private void exercise(String name, NodeDaemon daemon, Path pod, Path client) throws Exception {
    try (daemon) {
      AdminClient admin = new AdminClient(NodeSettings.adminSocket(name));
      long giveUp = System.nanoTime() + LIMIT.toNanos();
      while (!admin.ask(AdminRequest.of("status")).getFirst().path("ready").asBoolean()) {
        if (System.nanoTime() - giveUp >= 0) {
          throw new IOException("not ready within " + LIMIT + "; what it waits for is above");
        }
        Thread.sleep(50);
      }
      connect(pod, client);
      for (String question : new String[] {"status", "pods", "maps", "events"}) {
        admin.ask(AdminRequest.of(question));
      }
      InetSocketAddress metrics = daemon.metricsAddress().orElseThrow();
      URI.create("http://127.0.0.1:" + metrics.getPort() + "/metrics")
          .toURL()
          .openStream()
          .readAllBytes();
      if (classPath == null) {
        askAsPeopleDo("--node-name", name);
        // and the client of Kubernetes, which is told that there is no such pod
        Path kubeconfig = Files.createTempFile("sluice-train", "");
        Files.writeString(kubeconfig, KUBECONFIG.formatted(metrics.getPort()));
        askAsPeopleDo("--kubeconfig", kubeconfig.toString());
        Files.delete(kubeconfig);
      }
    }
  }

  private static void askAsPeopleDo(String option, String value) {
    Failures.toldBy(new CommandLine(new ProxyCommand()))
        .execute("get", "ready", "train/trainee", option, value);
  }

  private static void connect(Path pod, Path client) throws Exception {
    NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
    InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral(POD_ADDRESS), PORT);
    try (NetnsHandle inside = namespaces.open(pod);
        NetnsHandle outside = namespaces.open(client);
        ServerSocketChannel server =
            namespaces.callIn(
                inside, () -> ServerSocketChannel.open(StandardProtocolFamily.INET))) {
      server.bind(address);
      server.socket().setSoTimeout((int) LIMIT.toMillis());
      ByteBuffer buffer = ByteBuffer.allocate(16);
      for (int i = 0; i < CONNECTIONS; i++) {
        try (SocketChannel from =
            namespaces.callIn(outside, () -> SocketChannel.open(StandardProtocolFamily.INET))) {
          from.connect(address);
          try (SocketChannel to = server.socket().accept().getChannel()) {
            from.write(ByteBuffer.wrap(new byte[8]));
            to.read(buffer.clear());
            to.shutdownOutput();
            from.read(buffer.clear());
          }
        }
      }
    }
  }

  private static void makeNamespaces(String pod, String client) throws Exception {
    ip("netns", "add", pod);
    ip("netns", "add", client);
    ip("-n", client, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", pod);
    ip("-n", pod, "link", "set", "lo", "up");
    ip("-n", pod, "addr", "add", POD_ADDRESS + "/30", "dev", "eth0");
    ip("-n", pod, "link", "set", "eth0", "up");
    ip("-n", client, "addr", "add", CLIENT_ADDRESS + "/30", "dev", "eth0");
    ip("-n", client, "link", "set", "eth0", "up");
  }

  private static void ip(String... arguments) throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = "ip";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
