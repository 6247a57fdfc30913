package io.sluice.charts;

import io.sluice.cli.SluiceCommand;
import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The part of the {@code sluice} command that handles the chart: {@code install}, {@code upgrade},
 * {@code uninstall}, {@code mesh}, {@code version}; and {@code completion}. A program of its own,
 * since Helm's library is in no image. Exit codes as for every command.
 */
public final class ChartCommand {
  private ChartCommand() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /** Every command of the product, those of the chart among them. */
  static CommandLine commandLine() {
    return SluiceCommand.commandLine()
        .addSubcommand(new InstallCommand())
        .addSubcommand(new UpgradeCommand())
        .addSubcommand(new UninstallCommand())
        .addSubcommand(new MeshCommand())
        .addSubcommand(new VersionCommand())
        .addSubcommand(new CompletionCommand());
  }

  /** {@code sluice completion}: what a shell completes commands and options by. */
  @Command(
      name = "completion",
      description =
          "Prints what a shell completes commands by; to use it now: . <(./sluice completion bash)",
      mixinStandardHelpOptions = true)
  static final class CompletionCommand implements Callable<Integer> {
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
}
