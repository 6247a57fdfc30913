package io.sluice.cli.node;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.process.AdminRequest;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice node pods}. */
@Command(
    name = "pods",
    description = "Shows the pods of this node and whether they are intercepted.",
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
      "earlierConnections (number): connections older than its enrolment that are still open"
    })
final class PodsCommand implements Callable<Integer> {
  private static final List<String> COLUMNS =
      List.of("pod", "state", "addresses", "netnsCookie", "identity", "protection", "problem");

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private NodeOutput output = new NodeOutput();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    var pods = target.ask(AdminRequest.of("pods"));
    var out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(JsonNodeFactory.instance.arrayNode().addAll(pods), out);
    } else {
      Listing.of(pods, COLUMNS).print(OutputFormat.table, out);
    }
    return ExitCode.OK.code();
  }
}
