package io.sluice.cli.namespace;

import picocli.CommandLine.Option;

/** The option that says into which mesh namespaces are brought, or out of which. */
final class MeshNameOption {
  @Option(
      names = "--mesh-name",
      paramLabel = "NAME",
      description = "Name of the mesh. Default: ${DEFAULT-VALUE}.",
      defaultValue = "sluice")
  private String mesh = "sluice";

  String mesh() {
    return mesh;
  }
}
