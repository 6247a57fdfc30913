package io.sluice.cli.control;

import io.sluice.cli.arguments.ListenAddress;
import io.sluice.cli.arguments.Paths;
import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.RegistryProblems;
import io.sluice.cli.process.Termination;
import io.sluice.control.Controller;
import io.sluice.control.ControllerSettings;
import io.sluice.control.ReplicaSettings;
import io.sluice.control.StateDirectory;
import io.sluice.control.admission.TokenReviewAttestor.NodeAccount;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.server.ServerSettings;
import io.sluice.control.server.ServerSettings.Places;
import io.sluice.control.webhook.AdmissionWebhook;
import io.sluice.linux.process.KernelClock;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.NamespacedName;
import io.sluice.process.AdminServer;
import io.sluice.process.MetricsServer;
import io.sluice.process.PageServer;
import io.sluice.process.SiteClock;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice control run}: the controller on a folder or a cluster, until it is stopped. */
@Command(
    name = "run",
    description =
        "Runs the controller on a folder of Kubernetes YAML or on a cluster until it is stopped.",
    mixinStandardHelpOptions = true)
final class ControlRunCommand implements Callable<Integer> {
  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "Folder of Kubernetes YAML; watched.")
  private @Nullable Path registry;

  @Option(
      names = "--kubernetes",
      description = "In place of --registry: the objects of a cluster, read from its API server.")
  private boolean kubernetes;

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description =
          "How to reach the cluster of --kubernetes and --node-account. Default: the service"
              + " account of this pod.")
  private @Nullable Path kubeconfig;

  @Option(
      names = "--state",
      required = true,
      paramLabel = "DIR",
      description = "The authority's keys and journal, join tokens. Made where it is missing.")
  private Path state = Path.of("");

  @Option(
      names = "--listen",
      paramLabel = "ADDRESS:PORT",
      description = "Where nodes call. Default: ${DEFAULT-VALUE}.",
      defaultValue = "[::]:" + MeshPorts.CONTROL)
  private String listen = "";

  @Option(
      names = "--leaf-lifetime",
      paramLabel = "DURATION",
      converter = WrittenDurationConverter.class,
      description = "Life of the certificates of pods' identities: 60s to 7d. Default: 24h.")
  private Duration leafLifetime = CertificateRequest.DEFAULT_LIFETIME;

  @Option(
      names = "--node-lifetime",
      paramLabel = "DURATION",
      converter = WrittenDurationConverter.class,
      description =
          "Life of nodes' own certificates, at least that of leaves, at most 7d; a node that is out"
              + " of reach for longer has to join anew. Default: 3d, or as leaves if they live"
              + " longer.")
  private @Nullable Duration nodeLifetime;

  @Option(
      names = "--authority-file",
      paramLabel = "FILE",
      description = "Settings of the certificate authority in YAML. Default: the built-in one.")
  private @Nullable Path authorityFile;

  @Option(
      names = "--node-account",
      paramLabel = "NAMESPACE/NAME",
      description =
          "Service account of the nodes' daemon: nodes are admitted by its tokens too. Default: by"
              + " join tokens only.")
  private @Nullable String nodeAccount;

  @Option(
      names = "--metrics-address",
      paramLabel = "ADDRESS:PORT|off",
      description = "Where /metrics, /healthz and /readyz are served. Default: ${DEFAULT-VALUE}.",
      defaultValue = "off")
  private String metricsAddress = "off";

  @Option(
      names = "--debug-address",
      paramLabel = "ADDRESS:PORT",
      description =
          "Where /debug is served while the MeshConfig says enableDebugServer, to whoever reaches"
              + " it. Default: ${DEFAULT-VALUE}.",
      defaultValue = "127.0.0.1:" + MeshPorts.DEBUG)
  private String debugAddress = "";

  @Mixin private BeliefArguments belief = new BeliefArguments();
  @Mixin private ReplicaArguments replica = new ReplicaArguments();
  @Mixin private WebhookArguments webhook = new WebhookArguments();

  @Option(
      names = "--strangers",
      paramLabel = "NUMBER",
      description =
          "Most connections at once of those who have proven nothing, as a node that joins. Nodes"
              + " with a certificate have places of their own. Default: 64.")
  private int strangers = Places.USUAL.strangers();

  @Option(
      names = "--strangers-per-address",
      paramLabel = "NUMBER",
      description =
          "Of them from one address, or one IPv6 network of 64 bits. Where nodes reach the"
              + " controller through one address, such as a load balancer's, as many as join at"
              + " once. Default: 16.")
  private int strangersPerAddress = Places.USUAL.strangersOfAddress();

  @Option(
      names = "--drain-seconds",
      paramLabel = "SECONDS",
      description = "Longest wait for calls at SIGTERM. Default: ${DEFAULT-VALUE}.",
      defaultValue = "5")
  private int drainSeconds = 5;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws InterruptedException {
    ControllerSettings settings = settings();
    webhook.check(spec, kubernetes);
    InetSocketAddress metrics =
        metricsAddress.equals("off") ? null : address("--metrics-address", metricsAddress);
    try (Termination termination = new Termination()) {
      run(settings, metrics, termination);
      termination.succeeded();
    }
    return ExitCode.OK.code();
  }

  private void run(
      ControllerSettings settings, @Nullable InetSocketAddress metrics, Termination termination)
      throws InterruptedException {
    try (CompiledRegistry objects = objects();
        SiteClock clock = StateDirectory.at(state).clock(KernelClock::isKept).start();
        Controller controller = start(settings, objects, clock);
        AdminServer admin =
            AdminServer.start(
                StateDirectory.at(state).adminSocket(),
                new ControllerAnswers(controller, objects));
        AdmissionWebhook reviews = webhook.start(state, objects, controller, access());
        PageServer served = metrics == null ? null : serve(metrics, controller)) {
      termination.begin();
      if (awaitReady(controller, termination)) {
        say("controller ready on port " + controller.port());
        termination.await();
      }
    }
  }

  /** False where it was stopped before. */
  private boolean awaitReady(Controller controller, Termination termination)
      throws InterruptedException {
    if (!controller.isReady()) {
      say("controller waits: " + controller.status().authority().detail());
    }
    while (!controller.isReady()) {
      if (termination.await(1, TimeUnit.SECONDS)) {
        return false;
      }
    }
    return true;
  }

  private void say(String line) {
    spec.commandLine().getOut().println(line);
    spec.commandLine().getOut().flush();
  }

  private static PageServer serve(InetSocketAddress address, Controller controller) {
    return MetricsServer.start(
        MetricsServer.bind(address),
        out -> out.write(controller.metrics()),
        () -> missing(controller),
        () -> "");
  }

  private static Optional<String> missing(Controller controller) {
    return controller.isReady()
        ? Optional.empty()
        : Optional.of(controller.status().authority().detail());
  }

  private ControllerSettings settings() {
    if ((registry == null) != kubernetes) {
      throw wrong("give either --registry DIR or --kubernetes");
    }
    Paths.require(spec, "--registry", registry);
    Paths.requireIfThere(spec, "--state", state);
    Paths.requireReadableFile(spec, "--authority-file", authorityFile);
    if (kubeconfig != null && !kubernetes && nodeAccount == null) {
      throw wrong("--kubeconfig is for --kubernetes and --node-account; say one of them too");
    }
    if (replica.given().isPresent() && !kubernetes) {
      throw wrong(replica.given().get() + " is for --kubernetes");
    }
    if (drainSeconds < 0 || drainSeconds > 3_600) {
      throw wrong("--drain-seconds " + drainSeconds + " is outside 0..3600");
    }
    try {
      return new ControllerSettings(
          state,
          authorityFile,
          leafLifetime,
          nodeLifetime == null ? ControllerSettings.usualNodeLifetime(leafLifetime) : nodeLifetime,
          Duration.ofSeconds(drainSeconds),
          ServerSettings.at(address("--listen", listen), places()),
          nodeAccount(),
          address("--debug-address", debugAddress));
    } catch (IllegalArgumentException e) {
      throw wrong(String.valueOf(e.getMessage()));
    }
  }

  private Places places() {
    Places usual = Places.USUAL;
    try {
      return new Places(
          usual.handshakes(),
          usual.handshakesOfAddress(),
          strangers,
          strangersPerAddress,
          usual.members());
    } catch (IllegalArgumentException e) {
      throw wrong("--strangers, --strangers-per-address: " + e.getMessage());
    }
  }

  private @Nullable NodeAccount nodeAccount() {
    if (nodeAccount == null) {
      return null;
    }
    try {
      return new NodeAccount(NamespacedName.parse(nodeAccount), access());
    } catch (IllegalArgumentException e) {
      throw wrong("--node-account: " + e.getMessage());
    }
  }

  private KubernetesAccess access() {
    return kubeconfig == null
        ? KubernetesAccess.IN_CLUSTER
        : new KubernetesAccess.Kubeconfig(kubeconfig);
  }

  private CompiledRegistry objects() {
    CompilerSettings rules = belief.settings(spec, kubernetes);
    if (registry != null) {
      return new FolderRegistry(registry, rules, new RegistryProblems());
    }
    replica.settings(spec, access()); // wrong words are told before a file of the cluster is read
    try {
      return new KubernetesRegistry(access(), rules, new RegistryProblems());
    } catch (KubernetesApiException e) {
      throw wrong("--kubernetes: " + e.getMessage());
    }
  }

  private Controller start(ControllerSettings settings, CompiledRegistry objects, SiteClock clock) {
    if (!(objects instanceof KubernetesRegistry cluster)) {
      return Controller.start(settings, objects, clock);
    }
    ReplicaSettings joining = replica.settings(spec, access());
    try {
      return Controller.start(settings, cluster, joining, clock);
    } catch (KubernetesApiException e) {
      throw wrong("--kubernetes: " + e.getMessage());
    }
  }

  private InetSocketAddress address(String option, String text) {
    try {
      return ListenAddress.parse(option, text);
    } catch (IllegalArgumentException e) {
      throw wrong(String.valueOf(e.getMessage()));
    }
  }

  private ParameterException wrong(String problem) {
    return new ParameterException(spec.commandLine(), problem);
  }
}
