package io.sluice.charts;

import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options for what a change ends with. */
final class ResultOptions {
  @Option(
      names = "--wait",
      description =
          "Waits until the controller is ready, and the nodes if the mesh's roots are there.")
  private boolean waits;

  @Mixin private OutputOption output = new OutputOption();

  boolean waits() {
    return waits;
  }

  OutputFormat format() {
    return output.format();
  }
}
