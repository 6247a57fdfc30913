package io.sluice.charts;

import io.sluice.lab.demo.DemoCommand;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** {@code ./sluice completion} of a source tree, where there are more commands than elsewhere. */
public final class TreeCommand {
  /** Commands that the launcher runs itself, or that have a program of their own. */
  private static final List<String> LAUNCHER =
      List.of("test", "bench", "kernels", "images", "dist", "build", "help");

  private TreeCommand() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(withLauncher().execute(args));
  }

  /** Every command that declares what it takes. */
  static CommandLine commandLine() {
    return ChartCommand.commandLine().addSubcommand(new DemoCommand());
  }

  /** The same and, by name alone, those of the launcher. */
  static CommandLine withLauncher() {
    CommandLine all = commandLine();
    LAUNCHER.forEach(name -> all.addSubcommand(name, CommandSpec.create().name(name)));
    return all;
  }
}
