package io.sluice.cli.node;

import io.sluice.cli.arguments.ListenAddress;
import io.sluice.cli.arguments.Paths;
import io.sluice.cli.control.EmbeddedController;
import io.sluice.cli.node.CniArguments.ReplacementArguments;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.RegistryProblems;
import io.sluice.cli.process.Termination;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.process.Keeper;
import io.sluice.linux.process.KernelClock;
import io.sluice.mesh.MeshPorts;
import io.sluice.node.FreshStart;
import io.sluice.node.InterceptionMode;
import io.sluice.node.NodeCleanup;
import io.sluice.node.NodeDaemon;
import io.sluice.node.NodeSettings;
import io.sluice.node.RegistryFindings;
import io.sluice.node.cni.CniOptions.Plugin;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsRule;
import io.sluice.node.events.AccessLog;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.placement.PlacementSettings;
import io.sluice.process.SiteClock;
import io.sluice.proxy.ProxySettings;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice node run}: the daemon, with its registry in one process or a controller's. */
@Command(
    name = "run",
    description =
        "Runs the node daemon, on a folder of Kubernetes YAML or on what a controller says, until"
            + " it is stopped.",
    mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
  /** Seconds; a daemon that was killed is started again within them, on a slow machine too. */
  private static final int FORSAKEN_LOOKS = 20;

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "Folder of Kubernetes YAML; watched. Default: what the controller says.")
  private @Nullable Path registry;

  @Option(
      names = "--standalone",
      description =
          "Run a controller for this node alone in the same process, on the folder of --registry:"
              + " pods get certificates, and what is in force is kept over a restart.")
  private boolean standalone;

  @Option(
      names = "--mode",
      paramLabel = "ebpf|iptables|auto",
      description = "How traffic is intercepted. Default: ${DEFAULT-VALUE}.",
      defaultValue = "ebpf")
  private InterceptionMode mode = InterceptionMode.ebpf;

  @Option(
      names = "--fallback",
      paramLabel = "true|false",
      arity = "1",
      description =
          "Use iptables where --mode ebpf is refused, in both directions or inbound alone. Default:"
              + " ${DEFAULT-VALUE}.",
      defaultValue = "false")
  private boolean fallback;

  @Mixin private ProgramChoice programs = new ProgramChoice();

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description = "Name of this node. Default: the host name.")
  private @Nullable String nodeName;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description = "Lock, access log, logs of refused programs. Default: /var/lib/sluice/NAME.")
  private @Nullable Path state;

  @Option(
      names = "--fail-open",
      description = "Leave traffic alone, unprotected, while no daemon runs. Default: refuse it.")
  private boolean failOpen;

  @Option(
      names = "--fast-path",
      paramLabel = "true|false",
      arity = "1",
      description =
          "Let the kernel lead calls between pods of this node by itself where policy grants them"
              + " and nothing else is to be done, with or without a daemon. In eBPF mode only."
              + " Default: ${DEFAULT-VALUE}.",
      defaultValue = "true")
  private boolean fastPath = true;

  @Option(
      names = "--metrics-address",
      paramLabel = "ADDRESS:PORT|off",
      description = "Where /metrics, /healthz and /readyz are served. Default: ${DEFAULT-VALUE}.",
      defaultValue = "[::]:" + MeshPorts.NODE_METRICS)
  private String metricsAddress = "off";

  @Option(
      names = "--access-log",
      paramLabel = "FILE|-|off",
      description = "One JSON line a connection. Default: ${DEFAULT-VALUE} in the state folder.",
      defaultValue = "access.log")
  private String accessLog = AccessLog.OFF;

  @Option(
      names = "--record-flows",
      paramLabel = "true|false",
      arity = "1",
      description =
          "Keep what policy decided in the state folder, 50 MiB at most, for 'sluice policy"
              + " replay'. Default: ${DEFAULT-VALUE}.",
      defaultValue = "true")
  private boolean recordFlows = true;

  @Option(
      names = "--drain-seconds",
      paramLabel = "SECONDS",
      description = "Longest wait for connections at SIGTERM. Default: ${DEFAULT-VALUE}.",
      defaultValue = "10")
  private int drainSeconds = 10;

  @Option(
      names = "--earlier-connections",
      paramLabel = "keep|grace|destroy",
      description =
          "Connections older than their pod's enrolment: leave alone, end after 5 minutes, end at"
              + " once. Default: destroy in a strict mesh, grace in a permissive one.")
  private @Nullable String earlierConnections;

  @Option(
      names = "--proc",
      paramLabel = "DIR",
      description = "The node's proc file system, where pods are found. Default: ${DEFAULT-VALUE}.",
      defaultValue = "/proc")
  private Path proc = PlacementSettings.DEFAULTS.proc();

  @Option(
      names = "--cgroup-root",
      paramLabel = "PATH",
      description =
          "Cgroup that all pods are below, as /proc/PID/cgroup shows it. Default:"
              + " ${DEFAULT-VALUE}, anywhere.",
      defaultValue = "/")
  private String cgroupRoot = PlacementSettings.DEFAULTS.cgroupRoot();

  @Option(
      names = "--path-check-seconds",
      paramLabel = "SECONDS",
      description =
          "Time between two looks whether connections into and out of a pod really reach the"
              + " proxy. Default: ${DEFAULT-VALUE}.",
      defaultValue = "30")
  private int pathCheckSeconds = 30;

  /** For tests of what happens when it is over. */
  @Option(names = "--path-check-patience-seconds", hidden = true)
  private int pathCheckPatienceSeconds = (int) NodeSettings.PATH_CHECK_PATIENCE.toSeconds();

  @Option(
      names = "--cni",
      description =
          "Install and serve the CNI plugin, so that pods are protected from their first packet.")
  private boolean cni;

  @Option(
      names = "--remove-cni",
      description =
          "Take the CNI plugin of an earlier daemon out of the runtime's chain: without --cni nobody"
              + " answers it, and pods of the mesh would not start.")
  private boolean removeCni;

  @Option(
      names = "--cni-system-namespace",
      paramLabel = "NAME",
      description =
          "Namespace whose pods always start and are never enrolled; may be repeated. Always:"
              + " kube-system, kube-public, kube-node-lease, sluice-system.")
  private List<String> systemNamespaces = List.of();

  @Option(
      names = "--take-over",
      description =
          "Take the place of the daemon of this node that runs already, without a connection"
              + " refused: its listeners and certificates. The other one finishes the connections"
              + " that it has, and is to be stopped then. Default: refuse to start beside it.")
  private boolean takeOver;

  @Option(
      names = "--rejoin",
      description =
          "Forget first which mesh the state folder belongs to: the node's identity and its stored"
              + " snapshots. For one start, with a new --join-token, or with --standalone.")
  private boolean rejoin;

  @Option(
      names = "--started-file",
      paramLabel = "FILE",
      description =
          "Made when this process answers at --metrics-address, removed before: for a probe that"
              + " must not take another daemon of this node for this one.")
  private @Nullable Path startedFile;

  /** Given by what starts the daemon again when it is killed. */
  @Option(names = "--keeper", paramLabel = "PID", hidden = true)
  private @Nullable Long keeper;

  @Mixin private CniArguments cniPlaces = new CniArguments();

  @Mixin private ReplacementArguments replacement = new ReplacementArguments();

  @Mixin private ControlArguments control = new ControlArguments();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws InterruptedException {
    check();
    if (keeper != null) {
      Keeper.endWith(keeper);
    }
    Path folder = registry;
    SiteClock clock = SiteClock.open(state(), KernelClock::isKept);
    try (FreshStart start = new FreshStart(name(), state(), proc);
        Termination termination = new Termination()) {
      if (rejoin) {
        NodeCleanup.forget(state());
      }
      if (standalone && folder != null) {
        start.requirePlace(folder);
        try (EmbeddedController embedded =
            EmbeddedController.start(
                folder, NodeSettings.embeddedController(state()), name(), clock)) {
          NodeSettings settings = settings(control.settings(embedded));
          return run(start, NodeDaemon.start(settings, clock, embedded::registry), termination);
        }
      }
      NodeSettings settings = settings(controller());
      return run(
          start,
          folder == null
              ? NodeDaemon.start(settings, clock, () -> RegistryFindings.NONE)
              : onFolder(folder, settings, clock),
          termination);
    }
  }

  private static NodeDaemon onFolder(Path folder, NodeSettings settings, SiteClock clock) {
    FolderRegistry objects = new FolderRegistry(folder, new RegistryProblems());
    return NodeDaemon.start(settings, clock, objects, () -> RegistryProblems.of(objects.status()));
  }

  /** Until the end is asked for, or the daemon that has this one's place has gone. */
  private static int run(FreshStart start, NodeDaemon daemon, Termination termination)
      throws InterruptedException {
    start.succeeded();
    termination.begin();
    int forsaken = 0;
    while (forsaken < FORSAKEN_LOOKS && !termination.await(1, TimeUnit.SECONDS)) {
      forsaken = daemon.isForsaken() ? forsaken + 1 : 0;
    }
    daemon.close();
    boolean isAsked = forsaken < FORSAKEN_LOOKS;
    if (isAsked) {
      termination.succeeded();
    }
    return ExitCode.of(isAsked).code();
  }

  private void check() {
    Paths.require(spec, "--registry", registry);
    Paths.requireIfThere(spec, "--state", state);
    Paths.requireWritableFile(spec, "--started-file", startedFile);
    if (accessLog.contains("/")) { // else it is in the state folder, or none
      Paths.requireWritableFile(spec, "--access-log", state().resolve(accessLog));
    }
    try {
      PinDirectory.requireNodeName(name());
    } catch (IllegalArgumentException e) {
      throw wrong("--node-name: " + e.getMessage());
    }
    metrics();
    Paths.requireProc(spec, proc);
    if (drainSeconds < 0 || drainSeconds > 3_600) {
      throw wrong("--drain-seconds " + drainSeconds + " is outside 0..3600");
    }
    if (pathCheckSeconds < 1 || pathCheckSeconds > 3_600) {
      throw wrong("--path-check-seconds " + pathCheckSeconds + " is outside 1..3600");
    }
    if (rejoin && takeOver) {
      throw wrong(
          "--rejoin begins anew, and --take-over goes on where another daemon is; give one");
    }
    if (cni && removeCni) {
      throw wrong("--cni installs what --remove-cni takes away; give one");
    }
    if (standalone) {
      if (takeOver) {
        throw wrong(
            "--take-over cannot take the place of a controller, as --standalone would need");
      }
      if (registry == null) {
        throw wrong("--standalone needs --registry DIR, which its controller reads");
      }
      try {
        control.requireNoOther();
      } catch (IllegalArgumentException e) {
        throw wrong(e.getMessage());
      }
    } else if (registry == null && controller() == null) {
      throw wrong(
          "a node needs --registry DIR, or --control HOST:PORT to follow what the controller says");
    }
  }

  private String name() {
    return nodeName == null ? NodeTarget.hostName() : nodeName;
  }

  private Path state() {
    return state == null ? NodeTarget.stateOf(name()) : state;
  }

  private NodeSettings settings(@Nullable ControlSettings controller) {
    try {
      return new NodeSettings(
          name(),
          state(),
          mode,
          fallback,
          programs.without(),
          failOpen,
          fastPath,
          metrics(),
          accessLog,
          recordFlows,
          Duration.ofSeconds(drainSeconds),
          ProxySettings.ofThisProcess(),
          new PlacementSettings(proc, cgroupRoot),
          earlierConnections == null
              ? EarlierConnectionsRule.BY_MODE
              : EarlierConnectionsRule.parse(earlierConnections),
          Duration.ofSeconds(pathCheckSeconds),
          Duration.ofSeconds(pathCheckPatienceSeconds),
          cniPlaces.options(
              cni ? Plugin.SERVED : removeCni ? Plugin.REMOVED : Plugin.UNTOUCHED,
              systemNamespaces,
              replacement),
          controller,
          takeOver,
          startedFile);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private @Nullable InetSocketAddress metrics() {
    try {
      return metricsAddress.equals("off")
          ? null
          : ListenAddress.parse("--metrics-address", metricsAddress);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private @Nullable ControlSettings controller() {
    try {
      return control.settings().orElse(null);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private ParameterException wrong(@Nullable String problem) {
    return new ParameterException(spec.commandLine(), String.valueOf(problem));
  }
}
