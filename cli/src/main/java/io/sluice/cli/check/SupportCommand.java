package io.sluice.cli.check;

import io.sluice.cli.output.ExitCode;
import io.sluice.mesh.decision.Reason;
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
  @Spec private CommandSpec spec = CommandSpec.create();

  @Command(
      name = "error-info",
      description =
          "Explains a code that `check` printed, one of OSM's, or the word that a log, an event or a"
              + " metric has for its reason; without one, lists all codes.",
      mixinStandardHelpOptions = true)
  int errorInfo(
      @Parameters(
              arity = "0..1",
              paramLabel = "CODE",
              description = "Such as SLU2006, E2005 as OSM has it, or no_traffic_target.")
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
      reasons.forEach(each -> out.println(each.label() + ": " + each.explanation()));
      if (meant.isEmpty() && reasons.isEmpty()) {
        throw new ParameterException(
            spec.commandLine().getSubcommands().get("error-info"),
            "'"
                + code
                + "' is no code here, none of OSM's with a counterpart, and no reason; without a code"
                + " all codes are listed");
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
