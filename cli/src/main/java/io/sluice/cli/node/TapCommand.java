package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.node.events.TapFilter;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice tap}. */
@Command(
    name = "tap",
    description =
        "Shows requests and connections of this node's pods as they end, with what the access log"
            + " has of them, whether there is one or not. Of a call within the node either end is"
            + " told. Up to 4 may watch a daemon.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "*: the fields of the access log (docs/telemetry.md), as responseCode for response_code;"
          + " durationMillis of both kinds. Each is an object on a line of its own",
      "verdict: allowed or refused",
      "reason: why, in the words of 'node events'",
      "leftOut (number): how many more there were since the one before that came too fast"
    })
public final class TapCommand implements Callable<Integer> {
  /** What says most is first; a terminal has no room for the last ones. */
  private static final List<String> COLUMNS =
      List.of(
          ("time verdict reason pod direction method path responseCode durationMillis responseFlags"
                  + " originalDestination service route rule authority sourceWorkload"
                  + " sourcePrincipal client close bytesReceived bytesSent leftOut")
              .split(" ", -1));

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Option(
      names = "--pod",
      paramLabel = "[NAMESPACE/]NAME",
      defaultValue = "",
      description = "Only of this pod: what it calls, and what calls it.")
  private String pod = "";

  @Option(
      names = "--path",
      paramLabel = "PREFIX",
      defaultValue = "",
      description = "Only requests for paths that begin so.")
  private String path = "";

  @Option(
      names = "--status",
      paramLabel = "CODE",
      defaultValue = "",
      description = "Only requests answered so: 404, 5xx, or 0 for no answer.")
  private String status = "";

  @Option(
      names = "--verdict",
      paramLabel = "allowed|refused",
      defaultValue = "",
      description = "Only what policy let through, or only what it refused.")
  private String verdict = "";

  @Option(
      names = "--max",
      paramLabel = "COUNT",
      defaultValue = "0",
      description = "End after so many. Default: go on until Ctrl-C.")
  private long max;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    TapFilter filter = filter();
    Consumer<List<JsonNode>> printer =
        Listing.growing(COLUMNS, output.format(), spec.commandLine().getOut());
    try {
      target.client().stream(
          new AdminRequest("tap", filter.toText(), true),
          record -> {
            printer.accept(record.isEmpty() ? List.of() : List.of(record)); // first the headings
            tell(record.path("leftOut").asLong());
          });
    } catch (IOException e) {
      throw target.silence(e);
    }
    return ExitCode.OK.code();
  }

  private void tell(long leftOut) {
    if (leftOut > 0 && output.format() != OutputFormat.json) {
      spec.commandLine()
          .getErr()
          .println(
              leftOut + " more came too fast and are left out; --pod and the like ask for less");
      spec.commandLine().getErr().flush();
    }
  }

  private TapFilter filter() {
    try {
      return new TapFilter(pod, path, status, verdict, max, 0);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
