package io.sluice.charts;

import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice completion}: what a shell completes commands and options by. */
@Command(
    name = "completion",
    description =
        "Prints what a shell completes commands by; to use it now: . <(./sluice completion bash)",
    mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {
  /** Shells that are served. Lower case, since they are typed; both read the same text. */
  enum Shell {
    bash,
    zsh
  }

  @Parameters(paramLabel = "bash|zsh", description = "The shell.")
  private Shell shell = Shell.bash;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (shell == Shell.zsh) {
      out.println("autoload -U +X compinit && compinit");
    }
    out.println(AutoComplete.bash("sluice", spec.commandLine().getParent()));
    out.println("complete -F _complete_sluice -o default ./sluice");
    out.flush();
    return ExitCode.OK.code();
  }
}
