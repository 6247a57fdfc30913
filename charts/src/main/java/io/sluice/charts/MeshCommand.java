package io.sluice.charts;

import picocli.CommandLine.Command;

/** {@code sluice mesh}: what is done to whole meshes, by the words of Open Service Mesh. */
@Command(
    name = "mesh",
    description = "The meshes that are in a cluster.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {MeshListCommand.class, UpgradeCommand.class})
final class MeshCommand {}
