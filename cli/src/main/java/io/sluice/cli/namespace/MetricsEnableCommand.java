package io.sluice.cli.namespace;

import io.sluice.cli.output.ExitCode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice metrics enable}. */
@Command(
    name = "enable",
    description = "Brings back the series that name the namespaces' own pods or workloads.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {"namespace: its name", "result: enabled or unchanged"})
final class MetricsEnableCommand implements Callable<Integer> {
  @Mixin private MeasuredNamespaces namespaces = new MeasuredNamespaces();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    namespaces.say("enabled", spec.commandLine().getOut());
    return ExitCode.OK.code();
  }
}
