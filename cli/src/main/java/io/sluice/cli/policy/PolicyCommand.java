package io.sluice.cli.policy;

import picocli.CommandLine.Command;

/** {@code sluice policy}. */
@Command(
    name = "policy",
    description = "Tries a policy before it is in force.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = ReplayCommand.class)
public final class PolicyCommand {
  /** For the command line's library. */
  public PolicyCommand() {}
}
