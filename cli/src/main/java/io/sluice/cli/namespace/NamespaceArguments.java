package io.sluice.cli.namespace;

import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The arguments of commands that change namespaces. */
final class NamespaceArguments {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Parameters(arity = "1..*", paramLabel = "NAMESPACE", description = "One or several.")
  private List<String> names = List.of();

  @Option(
      names = "--mesh-name",
      paramLabel = "NAME",
      description = "Name of the mesh. Default: ${DEFAULT-VALUE}.",
      defaultValue = "sluice")
  private String mesh = "sluice";

  @Mixin private OutputOption output = new OutputOption();

  String mesh() {
    return mesh;
  }

  List<String> names() {
    return names;
  }

  ClusterAccess cluster() {
    return cluster.access();
  }

  void print(List<List<String>> rows, PrintWriter out) {
    new Listing(List.of("namespace", "result"), rows).print(output.format(), out);
  }
}
