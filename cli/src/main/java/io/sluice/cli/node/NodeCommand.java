package io.sluice.cli.node;

import picocli.CommandLine;
import picocli.CommandLine.Command;
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
      PodsCommand.class,
      CertificatesCommand.class,
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
}
