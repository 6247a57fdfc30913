package io.sluice.cli.node;

import picocli.CommandLine.Command;

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
public final class NodeCommand {}
