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
    mixinStandardHelpOptions = true)
final class NamespaceAddCommand implements Callable<Integer> {
  @Mixin private NamespaceArguments arguments = new NamespaceArguments();

  @Option(
      names = "--disable-sidecar-injection",
      description = "Enrols only pods that are annotated themselves.")
  private boolean isInjectionDisabled;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    String injection = isInjectionDisabled ? "disabled" : "enabled";
    NamespaceChange change = new NamespaceChange(arguments.mesh(), injection);
    arguments.print(
        change.apply(arguments.names(), arguments.cluster(), this::refusal),
        spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private Optional<String> refusal(Membership there) {
    if (EnrolmentWords.SYSTEM_NAMESPACES.contains(there.namespace())) {
      return Optional.of("pods of the system are never in the mesh");
    } else if (there.ignored()) {
      return Optional.of(
          "its label openservicemesh.io/ignore keeps it out of every mesh; remove that label first");
    } else if (!there.mesh().isEmpty() && !there.mesh().equals(arguments.mesh())) {
      return Optional.of(
          "it belongs to mesh %s; remove it there with `sluice namespace remove --mesh-name %s`"
              .formatted(there.mesh(), there.mesh()));
    }
    return Optional.empty();
  }
}
