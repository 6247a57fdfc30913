package io.sluice.cli.namespace;

import picocli.CommandLine.Command;

/** {@code sluice namespace}. */
@Command(
    name = "namespace",
    description = "Brings namespaces of a cluster into the mesh, and out of it.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      NamespaceAddCommand.class,
      NamespaceRemoveCommand.class,
      NamespaceListCommand.class,
      NamespaceIgnoreCommand.class
    })
public final class NamespaceCommand {}
