package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.cluster.DaemonPods;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.LocalNode;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
    description = "Looks at what the proxy has in force for one pod.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = ProxyCommand.GetCommand.class)
public final class ProxyCommand {
  /** For picocli. */
  public ProxyCommand() {}

  /** {@code sluice proxy get}. */
  @Command(
      name = "get",
      description = {
        "Prints one answer of the daemon that serves a pod: of this machine, else through the API"
            + " server, by this program in the daemon's own pod (right: create pods/exec).",
        "config_dump: the pod, policy that names it, Services and routes. clusters: whom it may"
            + " call, with endpoints, healthy false where checks keep calls from one. listeners: where the proxy accepts in its network. certs: its"
            + " certificate's chain and the roots. These are JSON. stats: counters, as text. ready:"
            + " LIVE, else exit code 1."
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
    private int port;

    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private ClusterOptions cluster = new ClusterOptions();

    @Spec private CommandSpec spec = CommandSpec.create();

    /** What can be asked. Lower case, since they are typed. */
    enum Query {
      config_dump,
      clusters,
      listeners,
      stats,
      certs,
      ready
    }

    /** What is printed, and how the command ends. */
    private record Answer(String text, int code) {}

    @Override
    public Integer call() {
      NamespacedName name = name();
      Answer answer;
      if (isGiven("--kubeconfig") || isGiven("--context")) {
        answer = ofCluster(name);
      } else if (target.isNamed()) {
        JsonNode only = target.one(target.ask(request(name)));
        answer =
            here(only)
                .orElseThrow(() -> new IllegalStateException(elsewhere(name, target.name(), only)));
      } else {
        answer = ofThisMachine(name).orElseGet(() -> ofCluster(name));
      }
      write(answer.text());
      return answer.code();
    }

    private boolean isGiven(String option) {
      return spec.commandLine().getParseResult().hasMatchedOption(option);
    }

    private NamespacedName name() {
      try {
        return NamespacedName.parse(pod.contains("/") ? pod : namespace + "/" + pod);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(
            spec.commandLine(), "POD '" + pod + "' names no Pod: " + e.getMessage(), e);
      }
    }

    private AdminRequest request(NamespacedName name) {
      return new AdminRequest("proxy", query + " " + name, false);
    }

    /** Nothing where the pod is on another node. */
    private static Optional<Answer> here(JsonNode said) {
      if (said.has("elsewhere")) {
        return Optional.empty();
      }
      if (said.has("text")) {
        return Optional.of(
            new Answer(
                said.path("text").asText(),
                ExitCode.of(said.path("ready").asBoolean(true)).code()));
      }
      StringWriter text = new StringWriter();
      Listing.printJson(said, new PrintWriter(text));
      return Optional.of(new Answer(text.toString(), ExitCode.OK.code()));
    }

    private static String elsewhere(NamespacedName name, String asked, JsonNode said) {
      String node = said.path("elsewhere").asText();
      return "node '%s' does not serve pod %s; %s"
          .formatted(
              asked,
              name,
              node.isEmpty() ? "it knows of none such" : "by its registry it is on " + node);
    }

    /** Of the first daemon here that serves the pod. */
    private Optional<Answer> ofThisMachine(NamespacedName name) {
      for (LocalNode node : known()) {
        if (node.isRunning()) {
          try {
            AdminClient client = new AdminClient(NodeSettings.adminSocket(node.name()));
            Optional<Answer> answer = here(target.one(client.ask(request(name))));
            if (answer.isPresent()) {
              return answer;
            }
          } catch (IOException e) {
            throw target.silence(e);
          }
        }
      }
      return Optional.empty();
    }

    /** Where they may not be seen, the cluster is asked. */
    private static List<LocalNode> known() {
      try {
        return LocalNode.all();
      } catch (UncheckedIOException e) {
        return List.of();
      }
    }

    private Answer ofCluster(NamespacedName name) {
      try {
        DaemonPods.Said said =
            DaemonPods.run(
                cluster.access(),
                name,
                node ->
                    new String[] {
                      "sluice", "proxy", "get", query.name(), name.toString(), "--node-name", node
                    });
        if (said.out().isEmpty()) {
          List<String> lines = new ArrayList<>(said.err().lines().toList());
          throw new IllegalStateException(
              lines.isEmpty() ? "it answered nothing" : lines.getLast().replace("sluice: ", ""));
        }
        return new Answer(said.out(), said.code());
      } catch (ParameterException e) {
        if (isGiven("--kubeconfig") || isGiven("--context")) {
          throw e;
        }
        throw new IllegalStateException(
            "no daemon that this user may ask here serves pod " + name + ", and " + e.getMessage(),
            e);
      } catch (LinkageError e) {
        throw new IllegalStateException(
            "no daemon here serves pod " + name + ", and this image has no client of Kubernetes",
            e);
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
