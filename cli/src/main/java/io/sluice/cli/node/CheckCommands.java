package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.node.why.WhyQuestion;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice why} by the names that OSM has for it, with an exit code that says the verdict. */
public final class CheckCommands {
  private CheckCommands() {}

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

    /** For picocli. */
    public ConnectivityCommand() {}

    /** Values of {@code --app-protocol}. Lower case, since they are typed. */
    enum Protocol {
      tcp,
      http
    }

    @Override
    public Integer call() {
      boolean http = protocol == Protocol.http;
      WhyQuestion question =
          new WhyQuestion(from, destination(), http ? "GET" : "", http ? "/" : "", Map.of());
      return verdict(inquiry.ask(question, true)).code();
    }

    /** By the Service's name, which no Pod has. */
    private String destination() {
      if (service == null) {
        return to;
      }
      String namespace = to.contains("/") ? to.substring(0, to.indexOf('/')) : to;
      int colon = service.indexOf(':');
      return colon < 0
          ? service + "." + namespace
          : service.substring(0, colon) + "." + namespace + service.substring(colon);
    }
  }
}
