package io.sluice.cli.output;

import picocli.CommandLine.Option;

/** The option of commands with an answer to read, as a mixin. */
public final class OutputOption {
  @Option(
      names = {"-o", "--output"},
      paramLabel = "table|wide|json",
      description =
          "How to print; wide shows all columns, and none shortened. Default: ${DEFAULT-VALUE}.",
      defaultValue = "table")
  private OutputFormat format = OutputFormat.table;

  /** What was asked for. */
  public OutputFormat format() {
    return format;
  }
}
