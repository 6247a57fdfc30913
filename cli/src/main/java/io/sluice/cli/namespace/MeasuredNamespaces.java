package io.sluice.cli.namespace;

import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.control.objects.MeshKey;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Of which namespaces of which cluster metrics are to tell, or not. */
final class MeasuredNamespaces {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--namespace",
      paramLabel = "NAMESPACE",
      required = true,
      split = ",",
      description = "One or several, with commas between them.")
  private List<String> names = List.of();

  @Mixin private OutputOption output = new OutputOption();

  /** Annotates those that do not say {@code word} yet; prints each name with what became of it. */
  void say(String word, PrintWriter out) {
    List<List<String>> rows =
        NamespaceEdit.apply(
            names.stream().map(String::strip).distinct().toList(),
            cluster.access(),
            _ -> Optional.empty(),
            before ->
                before.metrics().equals(word)
                    ? Optional.empty()
                    : Optional.of(NamespaceEdit.of(word).with(MeshKey.METRICS, word)));
    new Listing(List.of("namespace", "result"), rows).print(output.format(), out);
  }
}
