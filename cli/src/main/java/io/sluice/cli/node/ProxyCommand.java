package io.sluice.cli.node;

import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.LogLevels;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Printable;
import io.sluice.node.LogChange;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice proxy}: a pod's share of the proxy of its node, as if it had one of its own. */
@Command(
    name = "proxy",
    description = "Looks at what the proxy has in force for one pod, and sets how much it logs.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {ProxyCommand.GetCommand.class, ProxyCommand.SetCommand.class})
public final class ProxyCommand {

  /** {@code sluice proxy get}. */
  @Command(
      name = "get",
      description = {
        "Prints one answer of the daemon that serves a pod: of this machine, else through the API"
            + " server, by this program in the daemon's own pod (right: create pods/exec).",
        "config_dump: the pod, policy that names it, Services, routes and UpstreamTrafficSettings."
            + " clusters: whom it may call, with the UpstreamTrafficSetting, circuit open while the"
            + " Service is spared, and endpoints, ejected while one is left out as it has failed,"
            + " healthy false where checks or that keep calls from it. listeners: where the proxy"
            + " accepts in its network. certs: its certificate's chain and the roots. These are"
            + " JSON. stats: counters, of refusals and further tries too, as text. ready: LIVE,"
            + " else exit code 1. all: each of them, in one JSON object."
      },
      mixinStandardHelpOptions = true)
  static final class GetCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "QUERY", description = "One of ${COMPLETION-CANDIDATES}.")
    private Query query = Query.config_dump;

    @Parameters(
        index = "1",
        paramLabel = "POD",
        description = "Name of the Pod, or NAMESPACE/NAME.")
    private String pod = "";

    @Mixin private PodQuestion question = new PodQuestion();

    /** What can be asked. Lower case, since they are typed. */
    enum Query {
      config_dump,
      clusters,
      listeners,
      stats,
      certs,
      ready,
      all
    }

    @Override
    public Integer call() {
      NamespacedName name = question.name(pod);
      return question.ask(
          name,
          new AdminRequest("proxy", query + " " + name, false),
          "proxy",
          "get",
          query.name(),
          name.toString());
    }
  }

  /** {@code sluice proxy set}. */
  @Command(
      name = "set",
      description = {
        "Changes from which level on the daemon that serves a pod logs, and prints what holds then:"
            + " at once, for a time, and no longer than it runs. It is reached as by 'proxy get',"
            + " and its log is that of all pods of the node.",
        "logging changes nothing. logging?level=LEVEL (in quotes: shells take the question mark):"
            + " "
            + LogLevels.WORDS
            + ", or default for what the MeshConfig says."
      },
      mixinStandardHelpOptions = true)
  static final class SetCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "QUERY", description = "logging, or logging?level=LEVEL.")
    private String query = "";

    @Option(
        names = "--for",
        paramLabel = "TIME",
        defaultValue = "30m",
        converter = WrittenDurationConverter.class,
        description = "How long the level holds, up to 24h. Default: ${DEFAULT-VALUE}.")
    private Duration time = Duration.ZERO;

    @Parameters(
        index = "1",
        paramLabel = "POD",
        description = "Name of the Pod, or NAMESPACE/NAME.")
    private String pod = "";

    @Mixin private PodQuestion question = new PodQuestion();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
      NamespacedName name = question.name(pod);
      return question.ask(
          name,
          new AdminRequest("set", change().toText() + " " + name, false),
          "proxy",
          "set",
          query,
          name.toString(),
          "--for",
          time.toSeconds() + "s");
    }

    private LogChange change() {
      try {
        return new LogChange(query, time);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
      }
    }
  }

  /** How the daemon that serves a pod is reached, and where the answer goes. */
  static final class PodQuestion {
    @Option(
        names = {"-n", "--namespace"},
        paramLabel = "NAMESPACE",
        defaultValue = "default",
        description = "Of the Pod, where its name has none. Default: ${DEFAULT-VALUE}.")
    private String namespace = "";

    @Option(
        names = {"-f", "--file"},
        paramLabel = "FILE",
        description = "Where the answer is written. Default: standard output.")
    private @Nullable Path file;

    @Option(
        names = {"-p", "--local-port"},
        paramLabel = "PORT",
        description = "Without effect, for scripts of OSM: no port is opened.")
    @SuppressWarnings("UnusedVariable")
    private int port;

    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private ClusterOptions cluster = new ClusterOptions();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    /**
     * Asks that daemon, writes what it says, and returns the code to end with.
     *
     * @param words of this program that make the same request, for the daemon's own pod
     */
    int ask(NamespacedName pod, AdminRequest request, String... words) {
      PodProxy.Answer answer = new PodProxy(target, Optional.of(cluster)).ask(pod, request, words);
      write(Printable.lines(answer.text()));
      return answer.code();
    }

    /** Of POD. */
    NamespacedName name(String pod) {
      try {
        return NamespacedName.parse(pod.contains("/") ? pod : namespace + "/" + pod);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(
            spec.commandLine(), "POD '" + pod + "' names no Pod: " + e.getMessage(), e);
      }
    }

    private void write(String text) {
      Path to = file;
      if (to == null) {
        spec.commandLine().getOut().print(text);
        spec.commandLine().getOut().flush();
        return;
      }
      try {
        Files.writeString(to, text);
      } catch (IOException e) {
        throw new ParameterException(
            spec.commandLine(), "--file " + to + " cannot be written: " + FileFault.reason(e), e);
      }
    }
  }
}
