package io.sluice.cli.output;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option of commands with an answer to read, as a mixin. */
public final class OutputOption {
  @Option(
      names = {"-o", "--output"},
      paramLabel = "table|wide|json",
      description =
          "How to print; wide shows all columns, and none shortened. Default: ${DEFAULT-VALUE}.",
      defaultValue = "table")
  private OutputFormat format = OutputFormat.table;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** What was asked for. */
  public OutputFormat format() {
    return format;
  }

  /** Prints so, where the command prints; it has to be a mixin of the command itself. */
  public void print(Listing listing) {
    listing.print(format, spec.commandLine().getOut());
  }
}
