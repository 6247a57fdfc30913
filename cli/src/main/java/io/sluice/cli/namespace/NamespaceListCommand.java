package io.sluice.cli.namespace;

import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice namespace list}. */
@Command(
    name = "list",
    description = "Shows the namespaces that say something of a mesh, and what.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "namespace: its name",
      "mesh: the mesh that watches it, empty where none does",
      "injection: what its annotation says for its pods: enabled, disabled or nothing",
      "label: what its label sluice.io/mesh says, which stands above the other two",
      "ignored: true or false; true keeps it out of every mesh"
    })
final class NamespaceListCommand implements Callable<Integer> {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(names = "--mesh-name", paramLabel = "NAME", description = "Only those of this mesh.")
  private @Nullable String mesh;

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    List<List<String>> rows =
        Membership.all(cluster.access()).stream()
            .filter(each -> mesh == null ? each.isStated() : each.mesh().equals(mesh))
            .map(NamespaceListCommand::row)
            .toList();
    new Listing(List.of("namespace", "mesh", "injection", "label", "ignored"), rows)
        .print(output.format(), spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private static List<String> row(Membership each) {
    return List.of(
        each.namespace(),
        each.mesh(),
        each.injection(),
        each.label(),
        Boolean.toString(each.ignored()));
  }
}
