package io.sluice.cli.check;

import io.sluice.cli.output.ExitCode;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.RequestRecord.End;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice support}: texts of codes, and a report. */
@Command(
    name = "support",
    description = "What codes mean, and a report for whoever helps.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = BugReportCommand.class)
public final class SupportCommand {
  private static final String NOTHING = "Nothing: it is told for the record.";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Command(
      name = "error-info",
      description =
          "Explains a code that `check` printed, one of OSM's, the word that a log, an event or a metric"
              + " has for its reason, the first word of a line of a log, or a flag of the access log;"
              + " without one, lists all codes.",
      mixinStandardHelpOptions = true)
  int errorInfo(
      @Parameters(
              arity = "0..1",
              paramLabel = "CODE",
              description =
                  "Such as SLU2006, E2005 as OSM has it, no_traffic_target, pod_not_enrolled or UF.")
          @Nullable String code) {
    PrintWriter out = spec.commandLine().getOut();
    if (code == null) {
      for (Code each : Code.values()) {
        out.println("%s %-7s %s".formatted(each.label(), each.severity().word(), each.title()));
      }
    } else {
      List<Code> meant = Code.of(code).map(List::of).orElseGet(() -> OsmCodes.of(code));
      List<Reason> reasons =
          Stream.of(Reason.values()).filter(each -> each.label().equals(code)).toList();
      List<End> ends = Stream.of(End.values()).filter(each -> each.flag().equals(code)).toList();
      List<String[]> events =
          Code.Row.cells("log.md").filter(each -> each[0].equals(code)).toList();
      for (Reason each : reasons) {
        out.println(each.label() + ": " + each.explanation());
        out.println("Do: " + each.mend());
      }
      ends.forEach(each -> out.println(each.flag() + ": " + each.explanation()));
      if (!ends.isEmpty()) {
        out.println("Do: see the reason and rule of that line, and `support error-info REASON`.");
      }
      for (String[] event : events) {
        out.println(event[0] + ": " + event[1]);
        out.println("Do: " + (event[2].equals("-") ? NOTHING : event[2]));
      }
      if (meant.isEmpty() && reasons.isEmpty() && ends.isEmpty() && events.isEmpty()) {
        throw new ParameterException(
            spec.commandLine().getSubcommands().get("error-info"),
            "'"
                + code
                + "' is no code here, none of OSM's with a counterpart, and no reason, event or flag of"
                + " a log; without a code all codes are listed");
      }
      for (Code each : meant) {
        out.println("%s %s: %s".formatted(each.label(), each.severity().word(), each.title()));
        out.println("Cause: " + each.cause());
        out.println("Do: " + each.mend());
      }
    }
    out.flush();
    return ExitCode.OK.code();
  }
}
