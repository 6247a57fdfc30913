package io.sluice.charts;

import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options for what a change ends with. */
@Command(
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "release: name of the release",
      "namespace: where it is",
      "revision (number): 1 after an install, one more after each upgrade",
      "status: deployed, or what else Helm says",
      "chart: name and version of the chart",
      "version: version of the mesh",
      "ready (boolean): whether --wait or --atomic saw controller and nodes ready",
      "notes: the next step, for people"
    })
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
