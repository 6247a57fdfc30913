package io.sluice.cli;

import io.sluice.cli.control.ControlCommand;
import io.sluice.cli.demo.DemoCommand;
import io.sluice.cli.namespace.MetricsCommand;
import io.sluice.cli.namespace.NamespaceCommand;
import io.sluice.cli.node.NodeCommand;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.cli.validate.ValidateCommand;
import io.sluice.mesh.Printable;
import io.sluice.mesh.Release;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code sluice} command. Exit codes: {@link ExitCode}. */
@Command(
    name = "sluice",
    description = "A service mesh for small Kubernetes sites.",
    mixinStandardHelpOptions = true,
    version = "sluice " + Release.VERSION,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DemoCommand.class,
      NodeCommand.class,
      ControlCommand.class,
      NamespaceCommand.class,
      MetricsCommand.class,
      ValidateCommand.class
    })
public final class SluiceCommand {
  private SluiceCommand() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    LogFormat.install();
    System.exit(commandLine().execute(args));
  }

  /** The commands of this module. Programs that have further ones add them. */
  public static CommandLine commandLine() {
    return new CommandLine(new SluiceCommand())
        .setExecutionExceptionHandler((failure, line, parsed) -> {
          line.getErr().println("sluice: " + Printable.line(Failures.sentence(failure)));
          return ExitCode.FAILED.code();
        });
  }
}
