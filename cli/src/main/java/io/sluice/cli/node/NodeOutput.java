package io.sluice.cli.node;

import io.sluice.cli.output.OutputFormat;
import picocli.CommandLine.Option;

/** How what a node answers is printed. */
final class NodeOutput {
  @Option(
      names = {"-o", "--output"},
      paramLabel = "table|json|wide",
      description = "How to print. Default: ${DEFAULT-VALUE}.",
      defaultValue = "table")
  private OutputFormat format = OutputFormat.table;

  OutputFormat format() {
    return format;
  }
}
