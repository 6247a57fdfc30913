package io.sluice.charts;

import io.sluice.cli.output.OutputFormat;
import picocli.CommandLine.Option;

/** The options for what a change ends with. */
final class ResultOptions {
  @Option(
      names = "--wait",
      description =
          "Waits until the controller is ready, and the nodes if the mesh's roots are there.")
  private boolean waits;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "table|json",
      description = "How to print the result. Default: ${DEFAULT-VALUE}.",
      defaultValue = "table")
  private OutputFormat format = OutputFormat.table;

  boolean waits() {
    return waits;
  }

  OutputFormat format() {
    return format;
  }
}
