package io.sluice.cli.check;

import io.sluice.cli.node.OsmWhyCommands;
import picocli.CommandLine.Command;

/** {@code sluice verify}. */
@Command(
    name = "verify",
    description = "Tries what the mesh should do.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      OsmWhyCommands.ConnectivityCommand.class,
      IngressCommand.class,
      CheckCommand.ControlPlaneCommand.class
    })
public final class VerifyCommand {}
