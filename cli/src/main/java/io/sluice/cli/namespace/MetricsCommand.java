package io.sluice.cli.namespace;

import picocli.CommandLine.Command;

/** {@code sluice metrics}. */
@Command(
    name = "metrics",
    description = "Says whether the nodes' metrics tell of the pods of a namespace by name.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {MetricsEnableCommand.class, MetricsDisableCommand.class})
public final class MetricsCommand {}
