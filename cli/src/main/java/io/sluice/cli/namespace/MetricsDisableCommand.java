package io.sluice.cli.namespace;

import io.sluice.cli.output.ExitCode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice metrics disable}. */
@Command(
    name = "disable",
    description = {
      "Takes the series that name the namespaces' own pods or workloads out of nodes' metrics.",
      "It acts within seconds; they are counted on, and pods keep running."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {"namespace: its name", "result: disabled or unchanged"})
final class MetricsDisableCommand implements Callable<Integer> {
  @Mixin private MeasuredNamespaces namespaces = new MeasuredNamespaces();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    namespaces.say("disabled", spec.commandLine().getOut());
    return ExitCode.OK.code();
  }
}
