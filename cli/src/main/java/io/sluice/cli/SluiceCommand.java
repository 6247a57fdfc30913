package io.sluice.cli;

import io.sluice.cli.control.ControlCommand;
import io.sluice.cli.namespace.MetricsCommand;
import io.sluice.cli.namespace.NamespaceCommand;
import io.sluice.cli.node.NodeCommand;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.cli.offline.OfflineCommand;
import io.sluice.cli.policy.PolicyCommand;
import io.sluice.cli.validate.ValidateCommand;
import io.sluice.mesh.Printable;
import io.sluice.mesh.Release;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The {@code sluice} command. Exit codes: {@link ExitCode}. */
@Command(
    name = "sluice",
    description = "A service mesh for small Kubernetes sites.",
    mixinStandardHelpOptions = true,
    version = "sluice " + Release.VERSION,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      NodeCommand.class,
      ControlCommand.class,
      NamespaceCommand.class,
      MetricsCommand.class,
      ValidateCommand.class,
      PolicyCommand.class,
      OfflineCommand.class
    })
public final class SluiceCommand {
  private static final List<String> NODE_RUN = List.of("node", "run");

  private SluiceCommand() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    // Netty would make its profiler's events ready on an event loop, while a first connection
    // waits.
    System.setProperty("io.netty.jfr.enabled", "false");
    LogFormat.install();
    System.exit(commandLineFor(args).execute(args));
  }

  /** No more commands than {@code args} can mean; what they do and say is the same. */
  static CommandLine commandLineFor(String... args) {
    return Arrays.asList(args).subList(0, Math.min(2, args.length)).equals(NODE_RUN)
        ? telling(
            new CommandLine(
                CommandSpec.create().name("sluice").addSubcommand("node", NodeCommand.runAlone())))
        : commandLine();
  }

  /** The commands of this module. Programs that have further ones add them. */
  public static CommandLine commandLine() {
    return telling(new CommandLine(new SluiceCommand()));
  }

  private static CommandLine telling(CommandLine commands) {
    IParameterExceptionHandler withUsage = commands.getParameterExceptionHandler();
    return commands
        .setExecutionExceptionHandler((failure, line, parsed) -> {
          line.getErr().println("sluice: " + Printable.line(Failures.sentence(failure)));
          return ExitCode.FAILED.code();
        })
        .setParameterExceptionHandler((fault, args) ->
            isOfAValue(fault) ? tellAlone(fault) : withUsage.handleParseException(fault, args));
  }

  /** Faults of words have classes of their own, but for a subcommand that is missing. */
  private static boolean isOfAValue(ParameterException fault) {
    return fault.getClass() == ParameterException.class
        && fault.getCommandLine().getCommand() instanceof Callable<?>;
  }

  private static int tellAlone(ParameterException fault) {
    CommandLine line = fault.getCommandLine();
    line.getErr()
        .println(
            "sluice: "
                + Printable.line(String.valueOf(fault.getMessage()))
                + "; see '"
                + line.getCommandSpec().qualifiedName()
                + " --help'");
    return ExitCode.USAGE.code();
  }
}
