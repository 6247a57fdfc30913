package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.node.why.WhyQuestion;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice why} by the names that OSM has for it, with an exit code that says the verdict. */
public final class OsmWhyCommands {
  private OsmWhyCommands() {}

  private static ExitCode verdict(JsonNode answer) {
    String verdict = answer.path("verdict").asText();
    return ExitCode.of(
        (verdict.equals("allowed") || verdict.equals("in the clear"))
            && answer.path("probe").path("agrees").asBoolean(true));
  }

  /** {@code sluice policy check-pods}. */
  @Command(
      name = "check-pods",
      description = {
        "Says whether one pod may call another, and why: 'sluice why' by its name in OSM.",
        "Exit code 0: it may. 1: it may not."
      },
      mixinStandardHelpOptions = true)
  public static final class CheckPodsCommand implements Callable<Integer> {
    @Mixin private WhyInquiry inquiry = new WhyInquiry();

    @Parameters(index = "0", paramLabel = "SRC", description = "NAMESPACE/NAME of the Pod.")
    private String source = "";

    @Parameters(
        index = "1",
        paramLabel = "DST[:PORT]",
        description = "NAMESPACE/NAME of the Pod called.")
    private String destination = "";

    @Override
    public Integer call() {
      WhyQuestion question = new WhyQuestion(source, destination, "", "", Map.of());
      return verdict(inquiry.ask(question, false)).code();
    }
  }

  /** {@code sluice verify connectivity}. */
  @Command(
      name = "connectivity",
      description = {
        "Calls one pod from another, and says why it arrives or not: 'sluice why --probe' by its name in"
            + " OSM. On the node of the pod that calls.",
        "Exit code 0: it arrives, and should. 1: it does not, or should not."
      },
      mixinStandardHelpOptions = true)
  public static final class ConnectivityCommand implements Callable<Integer> {
    @Mixin private WhyInquiry inquiry = new WhyInquiry();

    @Option(
        names = "--from-pod",
        required = true,
        paramLabel = "NAMESPACE/NAME",
        description = "The Pod that calls.")
    private String from = "";

    @Option(
        names = "--to-pod",
        required = true,
        paramLabel = "NAMESPACE/NAME[:PORT]",
        description = "The Pod called.")
    private String to = "";

    @Option(
        names = "--to-service",
        paramLabel = "NAME[:PORT]",
        description = "The Service by which it is called, of the namespace of --to-pod.")
    private @Nullable String service;

    @Option(
        names = "--app-protocol",
        paramLabel = "tcp|http",
        description = "http asks for GET /. Default: ${DEFAULT-VALUE}.",
        defaultValue = "tcp")
    private Protocol protocol = Protocol.tcp;

    @Spec private CommandSpec spec = CommandSpec.create();

    /** For picocli. */
    public ConnectivityCommand() {}

    /** Values of {@code --app-protocol}. Lower case, since they are typed. */
    enum Protocol {
      tcp,
      http
    }

    @Override
    public Integer call() {
      if (!to.contains("/")) {
        throw new ParameterException(
            spec.commandLine(), "--to-pod '" + to + "' is not NAMESPACE/NAME");
      }
      if (service != null && service.contains("/")) {
        throw new ParameterException(
            spec.commandLine(),
            "--to-service '" + service + "' is a name alone: its namespace is that of --to-pod");
      }
      boolean http = protocol == Protocol.http;
      WhyQuestion question =
          new WhyQuestion(from, destination(), http ? "GET" : "", http ? "/" : "", Map.of());
      JsonNode answer = inquiry.ask(question, true);
      if (service != null) {
        requireWay(answer);
      }
      return verdict(answer).code();
    }

    /** By the Service's name, which no Pod has. */
    private String destination() {
      if (service == null) {
        return to;
      }
      String namespace = to.substring(0, to.indexOf('/'));
      int colon = service.indexOf(':');
      return colon < 0
          ? service + "." + namespace
          : service.substring(0, colon) + "." + namespace + service.substring(colon);
    }

    /** A Service that leads to other pods alone says nothing of the one that is asked about. */
    private void requireWay(JsonNode answer) {
      List<String> pods = answer.path("ways").findValuesAsText("pod");
      if (!pods.contains(to.split(":", 2)[0]) && !pods.stream().allMatch("-"::equals)) {
        throw new IllegalStateException(
            "Service " + service + " leads to " + pods + ", and not to pod " + to);
      }
    }
  }
}
