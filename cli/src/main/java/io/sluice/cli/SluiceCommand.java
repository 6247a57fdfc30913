package io.sluice.cli;

import io.sluice.cli.check.CheckCommand;
import io.sluice.cli.check.SupportCommand;
import io.sluice.cli.check.VerifyCommand;
import io.sluice.cli.control.ControlCommand;
import io.sluice.cli.dashboard.DashboardCommand;
import io.sluice.cli.init.InitCommand;
import io.sluice.cli.namespace.MetricsCommand;
import io.sluice.cli.namespace.NamespaceCommand;
import io.sluice.cli.node.CostCommand;
import io.sluice.cli.node.NodeCommand;
import io.sluice.cli.node.ProxyCommand;
import io.sluice.cli.node.StatCommand;
import io.sluice.cli.node.TapCommand;
import io.sluice.cli.node.WhyCommand;
import io.sluice.cli.offline.OfflineCommand;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.cli.policy.PolicyCommand;
import io.sluice.cli.validate.ValidateCommand;
import io.sluice.mesh.Release;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** The {@code sluice} command. Exit codes: {@link ExitCode}. */
@Command(
    name = "sluice",
    description = "A service mesh for small Kubernetes sites.",
    mixinStandardHelpOptions = true,
    version = "sluice " + Release.VERSION,
    synopsisSubcommandLabel = "COMMAND")
public final class SluiceCommand {
  private static final List<String> NODE_RUN = List.of("node", "run");

  /** In the order of the help. */
  private static final List<Class<?>> COMMANDS =
      List.of(
          NodeCommand.class,
          ControlCommand.class,
          NamespaceCommand.class,
          MetricsCommand.class,
          InitCommand.class,
          ValidateCommand.class,
          WhyCommand.class,
          ProxyCommand.class,
          StatCommand.class,
          StatCommand.TopCommand.class,
          TapCommand.class,
          CostCommand.class,
          DashboardCommand.class,
          PolicyCommand.class,
          VerifyCommand.class,
          CheckCommand.class,
          SupportCommand.class,
          OfflineCommand.class);

  private SluiceCommand() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    // Netty would make its profiler's events ready on an event loop, while a first connection
    // waits.
    System.setProperty("io.netty.jfr.enabled", "false");
    LogFormat.install();
    System.exit(commandLineFor(args).execute(args));
  }

  /**
   * No more commands than {@code args} can mean: to learn of all takes longer than most of them do.
   * What they do and say is the same.
   */
  static CommandLine commandLineFor(String... args) {
    if (Arrays.asList(args).subList(0, Math.min(2, args.length)).equals(NODE_RUN)) {
      return Failures.toldBy(
          new CommandLine(
              CommandSpec.create().name("sluice").addSubcommand("node", NodeCommand.runAlone())));
    }
    List<Class<?>> named =
        COMMANDS.stream().filter(one -> args.length > 0 && name(one).equals(args[0])).toList();
    return commandLine(named.isEmpty() ? COMMANDS : named);
  }

  private static String name(Class<?> command) {
    return Objects.requireNonNull(command.getAnnotation(Command.class)).name();
  }

  /** The commands of this module. Programs that have further ones add them. */
  public static CommandLine commandLine() {
    return commandLine(COMMANDS);
  }

  private static CommandLine commandLine(List<Class<?>> commands) {
    CommandLine line = new CommandLine(new SluiceCommand());
    commands.forEach(line::addSubcommand);
    return Failures.toldBy(line);
  }
}
