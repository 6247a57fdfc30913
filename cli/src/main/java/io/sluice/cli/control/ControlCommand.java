package io.sluice.cli.control;

import picocli.CommandLine.Command;

/** {@code sluice control}. */
@Command(
    name = "control",
    description = "Runs the controller, which gives nodes their certificates.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ControlRunCommand.class,
      TokenCommand.class,
      ControlStatusCommand.class,
      RotateRootCommand.class
    })
public final class ControlCommand {}
