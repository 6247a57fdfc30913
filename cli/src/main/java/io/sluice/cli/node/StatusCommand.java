package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.node.admin.AdminRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice node status}. */
@Command(name = "status", description = "Shows how the daemon is.", mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private NodeOutput output = new NodeOutput();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    JsonNode status = target.askOne(AdminRequest.of("status"));
    var out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(status, out);
      return ExitCode.OK.code();
    }
    List<List<String>> rows = new ArrayList<>();
    status.properties().forEach(e -> rows.add(List.of(e.getKey(), e.getValue().asText())));
    new Listing(List.of("what", "value"), rows).print(OutputFormat.table, out);
    return ExitCode.OK.code();
  }
}
