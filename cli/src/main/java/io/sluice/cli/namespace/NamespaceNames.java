package io.sluice.cli.namespace;

import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Which namespaces of which cluster a command changes, and how it prints what became of them. */
final class NamespaceNames {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Parameters(arity = "1..*", paramLabel = "NAMESPACE", description = "One or several.")
  private List<String> names = List.of();

  @Mixin private OutputOption output = new OutputOption();

  /** As {@link NamespaceEdit#apply}; prints each name with what became of it. */
  void change(
      Function<Membership, Optional<String>> refusal,
      Function<Membership, Optional<NamespaceEdit>> edit,
      PrintWriter out) {
    List<List<String>> rows = NamespaceEdit.apply(names, cluster.access(), refusal, edit);
    new Listing(List.of("namespace", "result"), rows).print(output.format(), out);
  }
}
