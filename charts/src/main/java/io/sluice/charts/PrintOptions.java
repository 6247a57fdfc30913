package io.sluice.charts;

import io.sluice.cli.output.ExitCode;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The options for objects as text, without a cluster. */
final class PrintOptions {
  @Option(
      names = {"--print", "--dry-run"},
      description =
          "Prints the objects as YAML and asks no cluster. The webhook's key is a new one each"
              + " time, unless webhook.certificate.existingSecret names one.")
  private boolean isWanted;

  @Option(
      names = "--kube-version",
      paramLabel = "VERSION",
      description = "The cluster's version, with --print. Default: ${DEFAULT-VALUE}.",
      defaultValue = "v1.33.1")
  private String kubeVersion = "v1.33.1";

  boolean isWanted() {
    return isWanted;
  }

  int print(ReleaseOptions release, List<String> values, CommandLine line) {
    PrintedChart chart =
        new PrintedChart(release.chart(), release.release(), release.namespace(), kubeVersion);
    line.getOut().print(chart.text(values));
    line.getOut().flush();
    return ExitCode.OK.code();
  }
}
