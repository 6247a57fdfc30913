package io.sluice.cli.validate;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputOption;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.PodRangeRule;
import io.sluice.control.folder.ManifestSet;
import io.sluice.control.manifest.Problem;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.control.validate.Validation;
import io.sluice.mesh.Printable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code sluice validate}: exit code 0 nothing wrong, 1 something wrong, 2 not all could be read.
 */
@Command(
    name = "validate",
    description = {
      "Checks manifests as the mesh would read them together, without a mesh.",
      "Exit code 0: nothing is wrong. 1: something has no effect. 2: not everything could be read, or"
          + " there is nothing to read."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "files (number): how many were read",
      "objects (number): how many are in them",
      "errors (number): findings that have no effect at all",
      "warnings (number): findings of which a part has no effect",
      "findings[].file: where it stands",
      "findings[].line (number): in the file; 0 where none is known",
      "findings[].object: kind, namespace and name",
      "findings[].field: path in the object; empty where it is the whole",
      "findings[].level: error, warning or info",
      "findings[].reason: what is wrong",
      "findings[].mend: what to do",
      "unread[].file: that could not be read",
      "unread[].reason: why",
      "unread[].mend: what to do"
    })
public final class ValidateCommand implements Callable<Integer> {
  private static final String STANDARD_INPUT = "-";

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE|DIR|-",
      description = "Files; the *.yaml, *.yml and *.json of folders; - for standard input.")
  private List<String> places = List.of();

  @Mixin private OutputOption output = new OutputOption();

  @Option(
      names = "--fail-on-warnings",
      description = "Exit code 1 also when only a part of an object has no effect.")
  private boolean failOnWarnings;

  @Option(
      names = "--mesh-config-namespace",
      paramLabel = "NAME",
      description =
          "The namespace whose MeshConfig governs the mesh, as for control run. Default: every"
              + " one.")
  private @Nullable String namespace;

  @Option(
      names = "--validate-traffic-target",
      arity = "1",
      paramLabel = "true|false",
      description =
          "Whether a TrafficTarget has to be in the namespace of its destination, as for control"
              + " run. Default: ${DEFAULT-VALUE}.",
      defaultValue = "true")
  private boolean validateTrafficTarget;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    ManifestSet manifests = new ManifestSet();
    try {
      collect(manifests);
    } catch (IOException e) {
      spec.commandLine()
          .getErr()
          .println("sluice: " + Printable.line(String.valueOf(e.getMessage())));
      return ExitCode.USAGE.code();
    }
    return report(manifests);
  }

  private void collect(ManifestSet manifests) throws IOException {
    for (String place : places) {
      if (place.equals(STANDARD_INPUT)) {
        manifests.add(System.in, STANDARD_INPUT);
      } else {
        manifests.add(Path.of(place));
      }
    }
  }

  private int report(ManifestSet manifests) {
    Validation validation =
        Validation.ofMesh(
            manifests.contents(),
            new CompilerSettings(
                namespace, PodRangeRule.AUTO, Set.of(), null, validateTrafficTarget));
    PrintWriter out = spec.commandLine().getOut();
    switch (output.format()) {
      case table, wide -> print(validation, manifests, out);
      case json -> Listing.printJson(toJson(validation, manifests), out);
    }
    out.flush();
    if (!manifests.problems().isEmpty()) {
      PrintWriter err = spec.commandLine().getErr();
      manifests.problems().forEach(problem -> err.println("sluice: " + problem));
      return ExitCode.USAGE.code();
    }
    boolean isFaulty =
        validation.hasErrors() || (failOnWarnings && count(validation, Level.WARNING) > 0);
    return ExitCode.of(!isFaulty).code();
  }

  private static void print(Validation validation, ManifestSet manifests, PrintWriter out) {
    for (Finding finding : validation.findings()) {
      out.println(
          finding.place() + Listing.toned(finding.level().word()) + ": " + finding.sentence());
    }
    if (manifests.contents().isEmpty()) {
      return; // what could not be read is told behind this
    }
    out.println(
        "%s objects in %s files: %s errors, %s warnings"
            .formatted(
                validation.objects(),
                manifests.contents().size(),
                count(validation, Level.ERROR),
                count(validation, Level.WARNING)));
  }

  private static long count(Validation validation, Level level) {
    return validation.findings().stream().filter(found -> found.level() == level).count();
  }

  private static ObjectNode toJson(Validation validation, ManifestSet manifests) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("files", manifests.contents().size());
    json.put("objects", validation.objects());
    json.put("errors", count(validation, Level.ERROR));
    json.put("warnings", count(validation, Level.WARNING));
    var findings = json.putArray("findings");
    for (Finding finding : validation.findings()) {
      findings
          .addObject()
          .put("file", finding.file())
          .put("line", finding.line())
          .put("object", finding.object())
          .put("field", finding.field())
          .put("level", finding.level().word())
          .put("reason", finding.reason())
          .put("mend", finding.mend());
    }
    var unread = json.putArray("unread");
    for (Problem problem : manifests.problems()) {
      unread
          .addObject()
          .put("file", problem.file())
          .put("reason", problem.reason())
          .put("mend", problem.mend());
    }
    return json;
  }
}
