package io.sluice.cli.offline;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.arguments.Paths;
import io.sluice.cli.node.NodeTarget;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.mesh.Printable;
import io.sluice.node.KeptOffline;
import io.sluice.process.AdminRequest;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice offline}. */
@Command(
    name = "offline",
    description =
        "Shows until when this node lives without its controller, and what ends first. Where no"
            + " daemon runs, by what is on the disk.",
    mixinStandardHelpOptions = true,
    subcommands = OfflineCommand.ExtendCommand.class,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "now: in UTC, by what certificates are judged by",
      "timeTrusted (boolean): whether that is the wall clock",
      "timeProblem: why not, so that now is a moment that has passed at least; - where it is",
      "until: when the first thing ends; - where nothing does by time",
      "first: what that is",
      "ends[].what: certificate, node-certificate, root, federated-mesh, admission, keys or"
          + " snapshot",
      "ends[].subject: whose it is, or where",
      "ends[].until: its last moment; - where time does not end it",
      "ends[].remaining: until then, for people",
      "ends[].remainingSeconds (number): until then; negative where it has ended, -1 where time does"
          + " not end it",
      "ends[].stops: what no longer works after that, or how it stands",
      "ends[].extension: what lengthens it"
    })
public final class OfflineCommand implements Callable<Integer> {
  private static final List<String> COLUMNS = List.of("what", "subject", "until", "remaining");

  private static final List<String> ALL_COLUMNS =
      List.of("what", "subject", "until", "remaining", "stops", "extension");

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "State folder of a node whose daemon does not run. Default: /var/lib/sluice/NAME.")
  private @Nullable Path state;

  @Option(
      names = "--seal-key",
      paramLabel = "FILE",
      description = "With --state: the key of 'node run --seal-key', where it has one.")
  private @Nullable Path sealKey;

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    JsonNode report = report();
    PrintWriter out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(report, out);
      return ExitCode.OK.code();
    }
    List<JsonNode> ends = new ArrayList<>();
    report.path("ends").forEach(ends::add);
    List<String> columns = output.format() == OutputFormat.wide ? ALL_COLUMNS : COLUMNS;
    Listing.of(ends, columns).print(output.format(), out);
    String until = report.path("until").asText();
    JsonNode first = report.path("ends").path(0);
    out.println(
        until.equals("-")
            ? "nothing ends by time"
            : "the first end is at %s: %s; %s"
                .formatted(until, text(first, "stops"), text(first, "extension")));
    if (!report.path("timeTrusted").asBoolean(true)) {
      out.println(
          "counted from %s, which has passed at least, since the time is not trusted: %s"
              .formatted(text(report, "now"), text(report, "timeProblem")));
    }
    out.flush();
    return ExitCode.OK.code();
  }

  private static String text(JsonNode object, String member) {
    return Printable.line(object.path(member).asText());
  }

  private JsonNode report() {
    Paths.require(spec, "--state", state);
    Paths.requireReadableFile(spec, "--seal-key", sealKey);
    if (state == null) {
      Optional<JsonNode> answer = target.oneIfItRuns(AdminRequest.of("offline"));
      if (answer.isPresent()) {
        return answer.get();
      }
    }
    Path folder = state == null ? NodeTarget.lastStateOf(target.name()) : state;
    if (!Files.isDirectory(folder)) {
      throw new IllegalStateException(
          "no daemon answers for node '"
              + target.name()
              + "' and "
              + folder
              + " is no folder; name its state folder with --state");
    }
    if (state == null) {
      spec.commandLine()
          .getErr()
          .println(
              "sluice: no daemon answers for node '"
                  + target.name()
                  + "', and until one runs its pods are refused; this is what "
                  + Printable.line(folder.toString())
                  + " keeps");
    }
    return KeptOffline.read(folder, sealKey).toJson();
  }

  /** {@code sluice offline extend}. */
  @Command(
      name = "extend",
      description = {
        "Asks the controller now for fresh certificates of this node and all of its pods.",
        "Exit code 1 where one could not be had. Roots and tokens are lengthened at the controller."
      },
      mixinStandardHelpOptions = true,
      footerHeading = "%nFields of -o json:%n",
      footer = {
        "subject: SPIFFE ID of the certificate",
        "before: when it would have ended; - where there was none",
        "until: when it ends now",
        "extended (boolean): whether there is another one",
        "problem: why there is none; empty where there is"
      })
  static final class ExtendCommand implements Callable<Integer> {
    private static final List<String> COLUMNS =
        List.of("subject", "before", "until", "extended", "problem");

    @Mixin private NodeTarget target = new NodeTarget();

    @Mixin private OutputOption output = new OutputOption();

    @Override
    public Integer call() {
      List<JsonNode> told = target.ask(AdminRequest.of("extend"));
      if (told.isEmpty()) {
        throw new IllegalStateException(
            "the daemon of node '" + target.name() + "' ended before it answered; ask again");
      }
      output.print(Listing.of(told, COLUMNS));
      return ExitCode.of(told.stream().allMatch(one -> one.path("extended").asBoolean())).code();
    }
  }
}
