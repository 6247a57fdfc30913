package io.sluice.cli.namespace;

import io.sluice.cli.output.ExitCode;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice namespace remove}. */
@Command(
    name = "remove",
    description = "Takes namespaces out of the mesh; their pods keep running.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {"namespace: its name", "result: removed or unchanged"})
final class NamespaceRemoveCommand implements Callable<Integer> {
  @Mixin private NamespaceNames namespaces = new NamespaceNames();

  @Mixin private MeshNameOption mesh = new MeshNameOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    NamespaceChange change = new NamespaceChange("", "");
    namespaces.change(this::refusal, change::from, spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private Optional<String> refusal(Membership there) {
    boolean isOfAnother = !there.mesh().isEmpty() && !there.mesh().equals(mesh.mesh());
    return isOfAnother
        ? Optional.of("it belongs to mesh %s; name that by --mesh-name".formatted(there.mesh()))
        : Optional.empty();
  }
}
