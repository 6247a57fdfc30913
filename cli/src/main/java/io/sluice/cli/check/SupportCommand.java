package io.sluice.cli.check;

import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.util.List;
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
          "Explains a code that `check` printed, or one of OSM's; without one, lists all.",
      mixinStandardHelpOptions = true)
  int errorInfo(
      @Parameters(
              arity = "0..1",
              paramLabel = "CODE",
              description = "Such as SLU2006, or E2005 as OSM has it.")
          @Nullable String code) {
    PrintWriter out = spec.commandLine().getOut();
    if (code == null) {
      for (Code each : Code.values()) {
        out.println("%s %-7s %s".formatted(each.label(), each.severity().word(), each.title()));
      }
    } else {
      List<Code> meant = Code.of(code).map(List::of).orElseGet(() -> OsmCodes.of(code));
      if (meant.isEmpty()) {
        throw new ParameterException(
            spec.commandLine().getSubcommands().get("error-info"),
            "'"
                + code
                + "' is no code here, and none of OSM's with a counterpart; without a code all are"
                + " listed");
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
