package io.sluice.cli.node;

import io.sluice.bpf.InterceptionProgram;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Programs that the operator does without, for kernels with a known fault. */
final class ProgramChoice {
  @Option(
      names = "--without-program",
      paramLabel = "NAME",
      description =
          "Treat this eBPF program as refused by the kernel, such as sk_lookup; may be repeated.")
  private List<String> names = new ArrayList<>();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Ends the command with a list of the names when one of those given is no program's. */
  Set<InterceptionProgram> without() {
    Set<InterceptionProgram> without = EnumSet.noneOf(InterceptionProgram.class);
    for (String name : names) {
      try {
        without.add(InterceptionProgram.parse(name));
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), "--without-program: " + e.getMessage());
      }
    }
    return without;
  }
}
