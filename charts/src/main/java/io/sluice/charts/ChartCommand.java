package io.sluice.charts;

import io.sluice.cli.SluiceCommand;
import picocli.CommandLine;

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
  public static CommandLine commandLine() {
    return SluiceCommand.commandLine()
        .addSubcommand(new InstallCommand())
        .addSubcommand(new UpgradeCommand())
        .addSubcommand(new UninstallCommand())
        .addSubcommand(new MeshCommand())
        .addSubcommand(new VersionCommand())
        .addSubcommand(new CompletionCommand());
  }
}
