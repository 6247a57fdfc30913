package io.sluice.cli.namespace;

import io.sluice.cli.output.ExitCode;
import io.sluice.control.objects.EnrolmentWords;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice namespace add}. */
@Command(
    name = "add",
    description = "Brings namespaces into the mesh; their pods keep running.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {"namespace: its name", "result: added, changed or unchanged"})
final class NamespaceAddCommand implements Callable<Integer> {
  @Mixin private NamespaceNames namespaces = new NamespaceNames();

  @Mixin private MeshNameOption mesh = new MeshNameOption();

  @Option(
      names = "--disable-sidecar-injection",
      description = "Enrols only pods that are annotated themselves.")
  private boolean isInjectionDisabled;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    String injection = isInjectionDisabled ? "disabled" : "enabled";
    NamespaceChange change = new NamespaceChange(mesh.mesh(), injection);
    namespaces.change(this::refusal, change::from, spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private Optional<String> refusal(Membership there) {
    if (EnrolmentWords.SYSTEM_NAMESPACES.contains(there.namespace())) {
      return Optional.of("pods of the system are never in the mesh");
    } else if (there.ignored()) {
      return Optional.of(
          "its label openservicemesh.io/ignore keeps it out of every mesh; `kubectl label namespace %s openservicemesh.io/ignore-` ends that"
              .formatted(there.namespace()));
    } else if (!there.mesh().isEmpty() && !there.mesh().equals(mesh.mesh())) {
      return Optional.of(
          "it belongs to mesh %s; remove it there with `sluice namespace remove --mesh-name %s`"
              .formatted(there.mesh(), there.mesh()));
    }
    return Optional.empty();
  }
}
