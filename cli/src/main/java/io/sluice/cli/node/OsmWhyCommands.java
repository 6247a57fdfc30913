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
        "Calls a pod, or a host outside the mesh, from a pod, and says why it arrives or not: 'sluice why"
            + " --probe' by its name in OSM. On the node of the pod that calls.",
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
        paramLabel = "NAMESPACE/NAME[:PORT]",
        description = "The Pod called.")
    private @Nullable String to;

    @Option(
        names = "--to-service",
        paramLabel = "NAME[:PORT]",
        description = "The Service by which it is called, of the namespace of --to-pod.")
    private @Nullable String service;

    @Option(
        names = "--to-ext-host",
        paramLabel = "HOST|ADDRESS",
        description = "A host outside the mesh, called instead of a Pod.")
    private @Nullable String host;

    @Option(names = "--to-ext-port", paramLabel = "PORT", description = "Port of --to-ext-host.")
    private @Nullable Integer port;

    @Option(
        names = "--app-protocol",
        paramLabel = "tcp|http|https",
        description =
            "http asks for GET /; https begins TLS that names --to-ext-host. Default: ${DEFAULT-VALUE}.",
        defaultValue = "tcp")
    private Protocol protocol = Protocol.tcp;

    @Spec private CommandSpec spec = CommandSpec.create();

    /** Values of {@code --app-protocol}. Lower case, since they are typed. */
    enum Protocol {
      tcp,
      http,
      https
    }

    @Override
    public Integer call() {
      String called = destination();
      boolean http = protocol == Protocol.http;
      JsonNode answer =
          inquiry.ask(
              new WhyQuestion(
                  from,
                  called,
                  http ? "GET" : "",
                  http ? "/" : "",
                  Map.of(),
                  protocol == Protocol.https,
                  false),
              true);
      List<String> pods = answer.path("ways").findValuesAsText("pod");
      if (to == null) {
        requireOutside(answer, pods);
      } else if (service != null) {
        requireWay(pods, to.split(":", 2)[0]);
      }
      return verdict(answer).code();
    }

    private String destination() {
      String pod = to;
      String outside = host;
      if (outside == null) {
        require(port == null, "--to-ext-port is for --to-ext-host");
        require(pod != null, "say --to-pod NAMESPACE/NAME, or --to-ext-host HOST");
        require(protocol != Protocol.https, "--app-protocol https is for --to-ext-host");
        return pod(String.valueOf(pod));
      }
      require(pod == null && service == null, "say --to-ext-host or a Pod, not both");
      require(!outside.contains("/"), "--to-ext-host '" + outside + "' is no host");
      Integer called = port;
      if (called == null) {
        throw new ParameterException(spec.commandLine(), "--to-ext-host needs --to-ext-port");
      }
      require(called > 0 && called <= 65_535, "--to-ext-port " + called + " is no port");
      return (outside.contains(":") ? "[" + outside + "]" : outside) + ":" + called;
    }

    private void require(boolean isSo, String told) {
      if (!isSo) {
        throw new ParameterException(spec.commandLine(), told);
      }
    }

    /** By the Service's name where there is one, which no Pod has. */
    private String pod(String pod) {
      require(pod.contains("/"), "--to-pod '" + pod + "' is not NAMESPACE/NAME");
      if (service == null) {
        return pod;
      }
      require(
          !service.contains("/"),
          "--to-service '" + service + "' is a name alone: its namespace is that of --to-pod");
      String namespace = pod.substring(0, pod.indexOf('/'));
      int colon = service.indexOf(':');
      return colon < 0
          ? service + "." + namespace
          : service.substring(0, colon) + "." + namespace + service.substring(colon);
    }

    /** A Service that leads to other pods alone says nothing of the one that is asked about. */
    private void requireWay(List<String> pods, String pod) {
      if (!pods.contains(pod) && !pods.stream().allMatch("-"::equals)) {
        throw new IllegalStateException(
            "Service " + service + " leads to " + pods + ", and not to pod " + pod);
      }
    }

    /** Who is let out says nothing of who is let in. */
    private void requireOutside(JsonNode answer, List<String> pods) {
      String called = answer.path("destination").path("service").asText();
      if (!called.equals("-") || !pods.stream().allMatch("-"::equals)) {
        throw new IllegalStateException(
            host
                + " is not outside the mesh: it is "
                + (called.equals("-") ? "of pod " + pods.getFirst() : "Service " + called)
                + "; ask with --to-pod");
      }
    }
  }
}
