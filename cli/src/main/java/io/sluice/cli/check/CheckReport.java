package io.sluice.cli.check;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.check.CheckRun.Unlooked;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.mesh.Printable;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What commands that run checks print; its fields are those of each of them. */
@Command(
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "checks (number): how many could look",
      "errors (number): findings of severity error",
      "warnings (number): findings of severity warning",
      "findings[].code: as `support error-info` explains it",
      "findings[].severity: error, warning or info",
      "findings[].title: what it is",
      "findings[].subject: what it is about",
      "findings[].seen: with the values",
      "findings[].cause: where it comes from",
      "findings[].mend: what to do",
      "notLooked[].subject: With something that is not there: what",
      "notLooked[].why: With something that is not there: why",
      "failed[].subject: With a check that failed itself: what it was to look at",
      "failed[].why: With a check that failed itself: how"
    })
final class CheckReport {
  /** For one check. */
  static final Duration MOST = Duration.ofSeconds(20);

  @Mixin private OutputOption output = new OutputOption();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Runs {@code checks}, and prints what came of them. */
  CheckRun of(List<Check> checks, Facts facts) {
    boolean shows = output.format() != OutputFormat.json && System.console() != null;
    PrintWriter err = spec.commandLine().getErr();
    CheckRun run =
        CheckRun.of(
            checks,
            facts,
            MOST,
            subject -> {
              if (shows) {
                err.print("\r\u001b[K" + subject + " …");
                err.flush();
              }
            });
    if (shows) {
      err.print("\r\u001b[K");
      err.flush();
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(json(run), out);
    } else {
      print(run, out);
    }
    out.flush();
    return run;
  }

  /** How a command ends: well where no finding is an error, and no check failed itself. */
  static int code(CheckRun run) {
    return ExitCode.of(run.count(Severity.ERROR) == 0 && run.failed().isEmpty()).code();
  }

  private static void print(CheckRun run, PrintWriter out) {
    for (Found one : run.found()) {
      out.println(
          "%s %s %s"
              .formatted(
                  one.code().label(),
                  Listing.toned(one.code().severity().word()),
                  one.code().title()));
      out.println("  " + one.subject() + ": " + Listing.toTheSecond(one.seen()));
      out.println("  " + one.code().cause());
      out.println("  " + one.code().mend());
    }
    for (Unlooked one : run.failed()) {
      out.println("failed itself: " + one.subject() + ": " + Printable.line(one.why()));
    }
    Map<String, List<String>> reasons = new LinkedHashMap<>();
    run.notLooked()
        .forEach(
            one -> reasons.computeIfAbsent(one.why(), _ -> new ArrayList<>()).add(one.subject()));
    reasons.forEach((why, subjects) ->
        out.println("not looked at, " + Printable.line(why) + ": " + String.join(", ", subjects)));
    out.println(
        "%s checks: %s errors, %s warnings, %s notes"
            .formatted(
                run.looked(),
                run.count(Severity.ERROR),
                run.count(Severity.WARNING),
                run.count(Severity.INFO)));
  }

  /** As {@code -o json} prints it. */
  static ObjectNode json(CheckRun run) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("checks", run.looked());
    json.put("errors", run.count(Severity.ERROR));
    json.put("warnings", run.count(Severity.WARNING));
    ArrayNode findings = json.putArray("findings");
    for (Found one : run.found()) {
      findings
          .addObject()
          .put("code", one.code().label())
          .put("severity", one.code().severity().word())
          .put("title", one.code().title())
          .put("subject", one.subject())
          .put("seen", one.seen())
          .put("cause", one.code().cause())
          .put("mend", one.code().mend());
    }
    add(run.notLooked(), json.putArray("notLooked"));
    add(run.failed(), json.putArray("failed"));
    return json;
  }

  private static void add(List<Unlooked> from, ArrayNode to) {
    from.forEach(one -> to.addObject().put("subject", one.subject()).put("why", one.why()));
  }
}
