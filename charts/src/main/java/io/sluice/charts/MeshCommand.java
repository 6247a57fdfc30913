package io.sluice.charts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.namespace.Membership;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code sluice mesh}: what is done to whole meshes, by the words of Open Service Mesh. */
@Command(
    name = "mesh",
    description = "The meshes that are in a cluster.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {MeshCommand.MeshListCommand.class, UpgradeCommand.class})
final class MeshCommand {
  /** {@code sluice mesh list}. */
  @Command(
      name = "list",
      description = "Shows the meshes of a cluster, and the namespaces that are in them.",
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {
        "mesh: name of its release",
        "namespace: where its controller and nodes are",
        "version: of the mesh",
        "namespaces[]: whose pods it takes; every mesh of a cluster takes the same"
      })
  static final class MeshListCommand implements Callable<Integer> {
    @Mixin private ClusterOptions cluster = new ClusterOptions();
    @Mixin private OutputOption output = new OutputOption();

    @Override
    public Integer call() {
      output.print(
          Listing.of(
              cluster.access().ask(MeshListCommand::rows),
              List.of("mesh", "namespace", "version", "namespaces")));
      return ExitCode.OK.code();
    }

    private static List<JsonNode> rows(KubernetesClient client) {
      List<String> enrolled =
          Membership.all(client).stream()
              .filter(Membership::isEnrolled)
              .map(Membership::namespace)
              .toList();
      List<JsonNode> rows = new ArrayList<>();
      for (InstalledMesh mesh : InstalledMesh.all(client)) {
        ObjectNode row = mesh.json();
        enrolled.forEach(row.putArray("namespaces")::add);
        rows.add(row);
      }
      return rows;
    }
  }
}
