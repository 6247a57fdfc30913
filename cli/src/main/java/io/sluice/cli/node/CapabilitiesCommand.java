package io.sluice.cli.node;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.interception.Mechanism;
import io.sluice.node.NodeCapabilities;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice node capabilities}; needs no daemon. Ends with 1 when no mode works here. */
@Command(
    name = "capabilities",
    description = "Tries what this kernel takes, and shows which mode auto would choose and why.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "mode: what auto would choose; none where nothing works",
      "reason: why",
      "outboundMode: the same for connections of pods",
      "outboundReason: why",
      "inboundMode: the same for connections to pods",
      "inboundReason: why",
      "features[].feature: what was tried",
      "features[].works: the result",
      "features[].detail: what the kernel said"
    })
final class CapabilitiesCommand implements Callable<Integer> {
  @Mixin private OutputOption output = new OutputOption();

  @Mixin private ProgramChoice programs = new ProgramChoice();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    NodeCapabilities capabilities = NodeCapabilities.probe(programs.without());
    String mode = capabilities.choice().map(Mechanism::label).orElse("none");
    var out = spec.commandLine().getOut();
    switch (output.format()) {
      case json -> Listing.printJson(json(capabilities, mode), out);
      case table, wide -> {
        List<List<String>> rows =
            capabilities.answers().stream()
                .map(answer -> List.of(answer.feature(), answer.result(), answer.detail()))
                .toList();
        new Listing(List.of("feature", "works", "detail"), rows).print(output.format(), out);
        out.println();
        out.println("--mode auto would choose " + mode + ": " + capabilities.reasons().summary());
        out.flush();
      }
    }
    return ExitCode.of(capabilities.choice().isPresent()).code();
  }

  private static ObjectNode json(NodeCapabilities capabilities, String mode) {
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    all.put("mode", mode);
    all.put("reason", capabilities.reasons().summary());
    all.put("outboundMode", capabilities.choice().map(m -> m.outbound().label()).orElse("none"));
    all.put("outboundReason", capabilities.reasons().outbound());
    all.put("inboundMode", capabilities.choice().map(m -> m.inbound().label()).orElse("none"));
    all.put("inboundReason", capabilities.reasons().inbound());
    var features = all.putArray("features");
    for (NodeCapabilities.Answer answer : capabilities.answers()) {
      features
          .addObject()
          .put("feature", answer.feature())
          .put("works", answer.result())
          .put("detail", answer.detail());
    }
    return all;
  }
}
