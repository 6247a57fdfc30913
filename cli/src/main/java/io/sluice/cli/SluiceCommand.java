package io.sluice.cli;

import io.sluice.cli.check.CheckCommand;
import io.sluice.cli.check.SupportCommand;
import io.sluice.cli.check.VerifyCommand;
import io.sluice.cli.control.ControlCommand;
import io.sluice.cli.init.InitCommand;
import io.sluice.cli.namespace.MetricsCommand;
import io.sluice.cli.namespace.NamespaceCommand;
import io.sluice.cli.node.NodeCommand;
import io.sluice.cli.node.ProxyCommand;
import io.sluice.cli.node.WhyCommand;
import io.sluice.cli.offline.OfflineCommand;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.cli.policy.PolicyCommand;
import io.sluice.cli.validate.ValidateCommand;
import io.sluice.mesh.Release;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

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
      InitCommand.class,
      ValidateCommand.class,
      WhyCommand.class,
      ProxyCommand.class,
      PolicyCommand.class,
      VerifyCommand.class,
      CheckCommand.class,
      SupportCommand.class,
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
        ? Failures.toldBy(
            new CommandLine(
                CommandSpec.create().name("sluice").addSubcommand("node", NodeCommand.runAlone())))
        : commandLine();
  }

  /** The commands of this module. Programs that have further ones add them. */
  public static CommandLine commandLine() {
    return Failures.toldBy(new CommandLine(new SluiceCommand()));
  }
}
