package io.sluice.charts;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.mesh.Release;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice version}. */
@Command(
    name = "version",
    description = "Shows the version of this command and of each mesh in the cluster.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "client: version of this command",
      "meshes[].mesh: name of the release of a mesh in the cluster",
      "meshes[].namespace: where its controller and nodes are",
      "meshes[].version: of that mesh"
    })
final class VersionCommand implements Callable<Integer> {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--client-only",
      description = "Asks no cluster: only the version of this command.")
  private boolean isClientOnly;

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    print(isClientOnly ? List.of() : cluster.access().ask(InstalledMesh::all));
    return ExitCode.OK.code();
  }

  private void print(List<InstalledMesh> meshes) {
    PrintWriter out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      ObjectNode answer = JsonNodeFactory.instance.objectNode().put("client", Release.VERSION);
      ArrayNode array = answer.putArray("meshes");
      meshes.forEach(mesh -> array.add(mesh.json()));
      Listing.printJson(answer, out);
      return;
    }
    out.println("sluice " + Release.VERSION);
    meshes.forEach(mesh ->
        out.println(
            "mesh %s in namespace %s: %s"
                .formatted(mesh.mesh(), mesh.namespace(), mesh.version())));
    if (meshes.isEmpty() && !isClientOnly) {
      out.println("no mesh is in the cluster; `sluice install` installs one");
    }
    out.flush();
  }
}
