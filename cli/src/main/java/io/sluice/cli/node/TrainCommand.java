package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluice.cli.control.EmbeddedController;
import io.sluice.cli.node.TrainingSite.Place;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.control.StateDirectory;
import io.sluice.control.admission.JoinTokens;
import io.sluice.control.authority.DurableFiles;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.process.Children;
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
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code sluice node train}: runs a daemon for a moment, so that the JVM can record which classes
 * it needs and how it uses them (an ahead-of-time cache). One object of each kind that most meshes
 * have; connections and requests within the node and, with {@code --controller-class-path}, to and
 * from another one; connections of a client outside the mesh; and the questions that are to be
 * answered at once. Everything is removed again, unless this process is killed.
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
      description =
          "Is that controller, for the node that DIR is named after and another one, until standard"
              + " input ends.")
  private @Nullable Path ownState;

  @Option(
      names = "--as-pods",
      paramLabel = "NODE",
      description = "Is what runs in the pods of that node's training, until standard input ends.")
  private @Nullable String trainedNode;

  /**
   * For the slowest machine: longest life of each process of the training, and wait for each state
   * of a daemon. The launcher ends all of it after five minutes.
   */
  private static final Duration LIMIT = Duration.ofMinutes(2);

  /** Less than what is left to who has to be told to end. */
  private static final Duration REMOVAL = Duration.ofSeconds(8);

  private final List<Process> started = new CopyOnWriteArrayList<>();

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
    if (trainedNode != null) {
      TrainingSite.talk(
          trainedNode, new BufferedReader(new InputStreamReader(System.in)), System.out);
      return ExitCode.OK.code();
    }
    return ownState == null ? train() : control(ownState);
  }

  private int train() throws Exception {
    String name = "train-" + ProcessHandle.current().pid();
    Path directory = Files.createTempDirectory("sluice-train");
    Path registry = Files.createDirectory(directory.resolve("registry"));
    CountDownLatch removed = removedBeforeTheEnd();
    try (TrainingSite site = new TrainingSite(name, registry)) {
      site.make();
      site.permitAll();
      // Before the daemon moves to a cgroup of its own, whose connections are not intercepted.
      site.talkBy(start(System.getProperty("java.class.path"), "train", "--as-pods", name));
      join(name, directory, site);
      return ExitCode.OK.code();
    } finally {
      Cgroups.moveSelfTo(Cgroups.rootV2()); // a cgroup with a member cannot be removed
      NodeCleanup.removeAll(name);
      try (Stream<Path> made = Files.walk(directory)) {
        for (Path path : made.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
      removed.countDown();
    }
  }

  /** Where this process is told to end, others end at once, and what was made is removed first. */
  private CountDownLatch removedBeforeTheEnd() {
    CountDownLatch removed = new CountDownLatch(1);
    Thread training = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              if (removed.getCount() > 0) {
                training.interrupt();
                started.forEach(Process::destroyForcibly); // whoever waits for their word goes on
              }
              try {
                removed.await(REMOVAL.toMillis(), TimeUnit.MILLISECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }));
    return removed;
  }

  private void join(String name, Path directory, TrainingSite site) throws Exception {
    Path state = directory.resolve(name);
    SiteClock clock = SiteClock.open(directory, KernelClock::isKept);
    if (classPath == null) {
      try (EmbeddedController inside =
          EmbeddedController.start(directory.resolve("registry"), state, name, clock)) {
        NodeSettings settings =
            settings(name, directory, inside.address(), inside.joinToken().toString());
        exercise(List.of(name), NodeDaemon.start(settings, clock, inside::registry), site);
      }
      return;
    }
    Process controller = start(classPath, "train", "--as-controller", state.toString());
    try (BufferedReader told = controller.inputReader()) {
      String address = line(told);
      NodeSettings settings = settings(name, directory, ControlAddress.parse(address), line(told));
      Process far = startFarNode(classPath, site.farNode(), directory, address, line(told));
      try {
        exercise(
            List.of(name, site.farNode()),
            NodeDaemon.start(settings, clock, () -> RegistryFindings.NONE),
            site);
      } finally {
        far.destroy();
        far.onExit().join(); // also where this thread is told to end
        NodeCleanup.removeAll(site.farNode());
      }
    } finally {
      controller.getOutputStream().close();
      controller.onExit().join();
    }
  }

  private static String line(BufferedReader told) throws IOException {
    String line = told.readLine();
    if (line == null) {
      Thread.interrupted(); // what is removed from here on takes its time
      throw new IOException("the controller was not ready in time, or failed; why is above");
    }
    return line;
  }

  /** The other end of what leaves the node, and the sender of what comes to it. */
  private Process startFarNode(
      String classPath, String name, Path directory, String control, String joinToken)
      throws IOException {
    return start(
        classPath,
        "run",
        "--node-name",
        name,
        "--state",
        Files.createDirectory(directory.resolve(name)).toString(),
        "--control",
        control,
        "--join-token",
        joinToken,
        "--metrics-address",
        "off",
        "--drain-seconds",
        "1",
        "--keeper", // nobody else ends it where this process is killed
        Long.toString(ProcessHandle.current().pid()));
  }

  private Process start(String classPath, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Xlog:disable", // standard output is not for what the JVM has to say
                "-Xlog:all=warning:stderr",
                "-cp",
                classPath,
                "io.sluice.cli.SluiceCommand",
                "node"));
    command.addAll(List.of(arguments));
    Process process =
        Children.start(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT));
    started.add(process);
    CompletableFuture<Process> _ =
        process
            .onExit()
            .orTimeout(LIMIT.toSeconds(), TimeUnit.SECONDS)
            .exceptionally(late -> process.destroyForcibly());
    return process;
  }

  private static int control(Path state) throws IOException {
    String node = state.getFileName().toString();
    try (EmbeddedController own =
        EmbeddedController.start(
            state.resolveSibling("registry"), state, node, InstantSource.system())) {
      System.out.println(own.address());
      System.out.println(own.joinToken());
      System.out.println(farJoinToken(state, TrainingSite.farNode(node)));
      System.in.transferTo(OutputStream.nullOutputStream());
      return ExitCode.OK.code();
    }
  }

  private static Path farJoinToken(Path state, String node) {
    Path file = state.resolve("far-join-token");
    DurableFiles.write(
        file,
        StateDirectory.at(state)
            .newJoinToken(node, JoinTokens.DEFAULT_LIFETIME, InstantSource.system()));
    return file;
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
        true,
        new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0),
        "access.log",
        true,
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

  /** {@code nodes} are the trained one and, where there is one, the other. */
  private void exercise(List<String> nodes, NodeDaemon daemon, TrainingSite site) throws Exception {
    String name = nodes.getFirst();
    try (daemon) {
      AdminClient admin = new AdminClient(NodeSettings.adminSocket(name));
      await(nodes, status -> status.path("ready").asBoolean());
      site.call(Place.OUTSIDE, Place.SERVER);
      site.permitGranted();
      await(
          nodes,
          status ->
              !status.path("permissive").asBoolean(true)
                  && status.path("enforcedRevision").asLong()
                      >= status.path("snapshotRevision").asLong());
      site.call(Place.NEAR, Place.SERVER);
      if (nodes.size() > 1) {
        site.call(Place.SERVER, Place.FAR);
        site.call(Place.FAR, Place.SERVER);
        require(status(name).path("handshakes").asLong() > 0, "the other node");
      }
      for (String question : new String[] {"status", "pods", "maps", "events"}) {
        admin.ask(AdminRequest.of(question));
      }
      InetSocketAddress metrics = daemon.metricsAddress().orElseThrow();
      try (InputStream told =
          URI.create("http://127.0.0.1:" + metrics.getPort() + "/metrics").toURL().openStream()) {
        String text = new String(told.readAllBytes(), StandardCharsets.UTF_8);
        require(text.contains("istio_requests_total{"), "requests");
      }
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

  private static void require(boolean done, String what) throws IOException {
    if (!done) {
      throw new IOException("the daemon was trained without " + what);
    }
  }

  private static void askAsPeopleDo(String option, String value) {
    Failures.toldBy(new CommandLine(new ProxyCommand()))
        .execute("get", "ready", "train/server", option, value);
  }

  private void await(List<String> nodes, Predicate<JsonNode> condition) throws Exception {
    long giveUp = System.nanoTime() + LIMIT.toNanos();
    for (String node : nodes) {
      while (!condition.test(status(node))) {
        if (System.nanoTime() - giveUp >= 0 || !started.stream().allMatch(Process::isAlive)) {
          throw new IOException(
              "node "
                  + node
                  + " was not brought to it in time, or another process failed; why is above");
        }
        Thread.sleep(50);
      }
    }
  }

  /** Has nothing while the daemon does not answer yet. */
  private static JsonNode status(String node) {
    try {
      return new AdminClient(NodeSettings.adminSocket(node))
          .ask(AdminRequest.of("status"))
          .getFirst();
    } catch (IOException e) {
      return MissingNode.getInstance();
    }
  }
}
