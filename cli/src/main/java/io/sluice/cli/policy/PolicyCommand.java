package io.sluice.cli.policy;

import io.sluice.cli.check.ConflictsCommand;
import io.sluice.cli.node.OsmWhyCommands;
import picocli.CommandLine.Command;

/** {@code sluice policy}. */
@Command(
    name = "policy",
    description = "Says what policy makes of calls, and what another one would.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      OsmWhyCommands.CheckPodsCommand.class,
      ConflictsCommand.class,
      ReplayCommand.class
    })
public final class PolicyCommand {}
