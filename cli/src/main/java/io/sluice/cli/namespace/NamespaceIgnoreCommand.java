package io.sluice.cli.namespace;

import io.sluice.cli.output.ExitCode;
import io.sluice.control.objects.MeshKey;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice namespace ignore}. */
@Command(
    name = "ignore",
    description = {
      "Keeps namespaces out of every mesh, whatever else they or their pods say; pods keep running.",
      "To end that: kubectl label namespace NAMESPACE openservicemesh.io/ignore-"
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {"namespace: its name", "result: ignored or unchanged"})
final class NamespaceIgnoreCommand implements Callable<Integer> {
  @Mixin private NamespaceNames namespaces = new NamespaceNames();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    namespaces.change(
        _ -> Optional.empty(), NamespaceIgnoreCommand::edit, spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private static Optional<NamespaceEdit> edit(Membership before) {
    return before.ignored()
        ? Optional.empty()
        : Optional.of(NamespaceEdit.of("ignored").with(MeshKey.IGNORE, "true"));
  }
}
