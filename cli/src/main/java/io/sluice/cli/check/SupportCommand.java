package io.sluice.cli.check;

import io.sluice.cli.output.ExitCode;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.CloseKind;
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
  private static final String OF_THAT_LINE =
      "See the reason and rule of that line, and `support error-info REASON`.";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Command(
      name = "error-info",
      description =
          "Explains a code that `check` printed, one of OSM's, the word that a log, an event or a metric"
              + " has for its reason, the first word of a line of a log, or what the access log has for how"
              + " something ended, a flag too;"
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
      List<Code> codes = Code.of(code).map(List::of).orElseGet(() -> OsmCodes.of(code));
      List<Reason> reasons =
          Stream.of(Reason.values()).filter(each -> each.label().equalsIgnoreCase(code)).toList();
      List<End> ends =
          Stream.of(End.values()).filter(each -> each.flag().equalsIgnoreCase(code)).toList();
      List<End> details =
          Stream.of(End.values()).filter(each -> each.label().equalsIgnoreCase(code)).toList();
      List<CloseKind> kinds =
          Stream.of(CloseKind.values())
              .filter(each -> each.label().equalsIgnoreCase(code))
              .toList();
      List<String[]> events =
          Code.Row.cells("log.md").filter(each -> each[0].equalsIgnoreCase(code)).toList();
      for (Reason each : reasons) {
        String meant = each.isMeant() ? "nothing, if that is meant; else " : "";
        tell(each.label(), each.explanation(), meant + each.mend() + ".");
      }
      for (End each : ends) {
        tell(each.flag(), each.explanation(), each == End.WHOLE ? NOTHING : OF_THAT_LINE);
      }
      for (End each : details) {
        tell(
            each.label() + " (response_code_details)",
            each.explanation(),
            each == End.WHOLE ? NOTHING : OF_THAT_LINE);
      }
      for (CloseKind each : kinds) {
        tell(
            each.label() + " (close)",
            each.explanation(),
            each == CloseKind.FIN ? NOTHING : OF_THAT_LINE);
      }
      for (String[] event : events) {
        String mend = event[2];
        tell(event[0], event[1], mend.equals("-") ? NOTHING : mend);
      }
      if (Stream.of(codes, reasons, ends, details, kinds, events).allMatch(List::isEmpty)) {
        throw new ParameterException(
            spec.commandLine().getSubcommands().get("error-info"),
            "'"
                + code
                + "' is no code here, none of OSM's with a counterpart, and no reason, event, flag or"
                + " ending of a log; without a code all codes are listed");
      }
      for (Code each : codes) {
        tell(
            each.label() + ' ' + each.severity().word(),
            each.title() + "\nCause: " + each.cause(),
            each.mend());
      }
    }
    out.flush();
    return ExitCode.OK.code();
  }

  private void tell(String name, String text, String mend) {
    spec.commandLine().getOut().println(name + ": " + text + "\nDo: " + mend);
  }
}
