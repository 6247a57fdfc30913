package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;

/** {@code sluice node}. */
@Command(
    name = "node",
    description = "Runs the node daemon and shows what it does.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      RunCommand.class,
      StatusCommand.class,
      NodeCommand.PodsCommand.class,
      NodeCommand.CertificatesCommand.class,
      EventsCommand.class,
      MapsCommand.class,
      CapabilitiesCommand.class,
      CniCommand.class,
      CleanupCommand.class,
      TrainCommand.class
    })
public final class NodeCommand {
  /**
   * {@code node run} without its neighbours: reading what every other command takes is a third of a
   * daemon's start, while pods are refused.
   */
  public static CommandSpec runAlone() {
    return CommandSpec.create()
        .name("node")
        .addSubcommand("run", new CommandLine(new RunCommand()));
  }

  /** {@code sluice node pods}. */
  @Command(
      name = "pods",
      description =
          "Shows the pods of this node and whether they are intercepted. -o wide shows identities and"
              + " how their ports are handled and what they cost. --wait waits until all that should be are enrolled and"
              + " protected.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {
        "pod: NAMESPACE/NAME",
        "state: whether it is enrolled, or why it is not yet",
        "netnsCookie (number): the kernel's name of its network namespace, as in the maps",
        "addresses[]: its IP addresses",
        "identity: its SPIFFE ID",
        "protection: whether interception was seen to work",
        "problem: what stands in the way, empty where nothing does",
        "earlierConnections (number): connections older than its enrolment that are still open",
        "handlers[]: of each port that a Service leads to: its number, whether connections to it"
            + " are carried as http or bytes, and why",
        "cpuMillis (number): CPU time of event loops for connections that it began, or that came to"
            + " it from elsewhere than this node's pods",
        "receivedBytes (number): what came from sockets of these connections, at either end",
        "sentBytes (number): what was written to them",
        "bufferedBytesPeak (number): most bytes that have waited at once for slow readers",
        "handshakes (number): TLS handshakes with proxies of other nodes, of either side",
        "ledCalls (number): addresses that the kernel leads it to by itself, with or without the"
            + " daemon"
      })
  static final class PodsCommand implements Callable<Integer> {
    private static final List<String> COLUMNS =
        List.of("pod", "state", "protection", "addresses", "problem");

    private static final Set<String> SETTLED = Set.of("protected", "outside");

    private static final List<String> ALL_COLUMNS =
        List.of(
            "pod",
            "state",
            "protection",
            "addresses",
            "netnsCookie",
            "identity",
            "earlierConnections",
            "handlers",
            "cpuMillis",
            "receivedBytes",
            "sentBytes",
            "handshakes",
            "ledCalls",
            "problem");

    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private OutputOption output = new OutputOption();

    @Mixin private WaitOption waiting = new WaitOption();

    @Override
    public Integer call() throws InterruptedException {
      WaitOption.Answer answer = waiting.ask(target, PodsCommand::pods, PodsCommand::areAllIn);
      List<JsonNode> pods = answer.values().subList(1, answer.values().size());
      output.print(Listing.of(pods, output.format() == OutputFormat.wide ? ALL_COLUMNS : COLUMNS));
      return ExitCode.of(answer.isSo()).code();
    }

    /** The node's status, then its pods: a daemon that starts has looked at none yet. */
    private static List<JsonNode> pods(AdminClient daemon) throws IOException {
      List<JsonNode> all = new ArrayList<>(daemon.ask(AdminRequest.of("status")));
      if (all.isEmpty()) {
        throw new IOException("it ended before it answered");
      }
      all.addAll(daemon.ask(AdminRequest.of("pods")));
      return all;
    }

    private static boolean areAllIn(List<JsonNode> statusAndPods) {
      JsonNode status = statusAndPods.getFirst();
      return status.path("ready").asBoolean()
          && status.path("enforcedRevision").asLong() >= status.path("snapshotRevision").asLong()
          && statusAndPods.stream()
              .skip(1)
              .allMatch(pod -> SETTLED.contains(pod.path("protection").asText()));
    }
  }

  /** {@code sluice node certificates}. */
  @Command(
      name = "certificates",
      description =
          "Shows the certificates of this node and its pods, and when they end. -o wide shows all.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {
        "identity: SPIFFE ID that it proves",
        "holder: node or workload",
        "state: whether it is held, or what is done to get it",
        "serial: in hexadecimal; - where none is held, as in the next fields",
        "notBefore: in UTC",
        "notAfter: in UTC",
        "renewAt: when the next one is asked for",
        "issuer: name of who signed it",
        "chainLength (number): certificates that are shown to a peer",
        "rootId: which root it leads to",
        "pods[]: NAMESPACE/NAME of each that uses it",
        "problem: why there is no newer one, empty where nothing is wrong"
      })
  static final class CertificatesCommand implements Callable<Integer> {
    private static final List<String> COLUMNS =
        List.of("identity", "state", "notAfter", "renewAt", "pods", "problem");

    private static final List<String> ALL_COLUMNS =
        List.of(
            "identity",
            "state",
            "serial",
            "notBefore",
            "notAfter",
            "renewAt",
            "issuer",
            "chainLength",
            "rootId",
            "pods",
            "problem");

    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private OutputOption output = new OutputOption();

    @Override
    public Integer call() {
      var certificates = target.ask(AdminRequest.of("certificates"));
      output.print(
          Listing.of(certificates, output.format() == OutputFormat.wide ? ALL_COLUMNS : COLUMNS));
      return ExitCode.OK.code();
    }
  }
}
