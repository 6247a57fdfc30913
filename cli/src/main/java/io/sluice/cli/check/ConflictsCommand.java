package io.sluice.cli.check;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.control.compile.Ground;
import io.sluice.control.folder.ManifestSet;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.mesh.Printable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice policy check-conflicts}: what the compiler says of objects that contradict. */
@Command(
    name = "check-conflicts",
    description = {
      "Says which objects contradict each other or themselves, and which of them counts. TrafficTargets"
          + " that grant the same are named, and are no contradiction.",
      "Exit code 0: none do. 1: some do. 2: not everything could be read."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "objects (number): how many were read",
      "conflicts[].object: With a contradiction: kind, namespace and name",
      "conflicts[].with: With a contradiction: the same of what it contradicts",
      "conflicts[].level: With a contradiction: error where nothing of the object has effect, warning"
          + " where a part has none, info where both say the same",
      "conflicts[].field: With a contradiction: path in it; empty where it is the whole",
      "conflicts[].reason: With a contradiction: what is wrong",
      "conflicts[].mend: With a contradiction: what to do",
      "conflicts[].file: With a contradiction: where it stands; of a cluster kind and name",
      "conflicts[].line (number): With a contradiction: in the file; 0 where none is known",
      "unread[]: With something that could not be read: what, and why"
    })
public final class ConflictsCommand implements Callable<Integer> {
  private static final String STANDARD_INPUT = "-";

  @Parameters(
      arity = "0..1",
      paramLabel = "KIND",
      description = "Such as TrafficSplit or httproutes. Default: every one.")
  private @Nullable String kind;

  @Option(
      names = {"-n", "--namespace"},
      split = ",",
      paramLabel = "NAMESPACE",
      description = "Only objects of it; several with commas. Default: all.")
  private List<String> namespaces = List.of();

  @Option(
      names = "--registry",
      paramLabel = "FILE|DIR|-",
      description =
          "Manifests, or the folder that a node or controller reads; may be repeated; - for standard"
              + " input. Default: the cluster.")
  private List<String> places = List.of();

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    List<String> kinds = kinds();
    Objects objects = places.isEmpty() ? ofCluster() : ofFiles();
    List<Finding> found =
        Stream.concat(
                objects.findings().stream().filter(one -> !one.rival().isEmpty()),
                repeated(objects).stream())
            .filter(one -> isMeant(one.object(), kinds) || isMeant(one.rival(), kinds))
            .sorted()
            .toList();
    PrintWriter out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(json(objects, found), out);
    } else {
      print(objects, found, out);
    }
    out.flush();
    PrintWriter err = spec.commandLine().getErr();
    unread(objects).forEach(problem -> err.println("sluice: " + problem));
    return unread(objects).isEmpty()
        ? ExitCode.of(contradictions(found) == 0).code()
        : ExitCode.USAGE.code();
  }

  private static long contradictions(List<Finding> found) {
    return found.stream().filter(one -> one.level() != Level.INFO).count();
  }

  private static List<Problem> unread(Objects objects) {
    return Stream.concat(objects.unread().stream(), objects.mistakes().stream()).toList();
  }

  /** The kind as objects have it; every one where none is named. */
  private List<String> kinds() {
    String wanted = kind;
    if (wanted == null) {
      return List.of();
    }
    List<String> meant =
        Arrays.stream(ReadableKind.values())
            .filter(one ->
                one.kind().equalsIgnoreCase(wanted) || one.resource().equalsIgnoreCase(wanted))
            .map(ReadableKind::kind)
            .toList();
    if (meant.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "KIND '%s' is not read; those that are: %s"
              .formatted(
                  wanted,
                  Arrays.stream(ReadableKind.values())
                      .map(ReadableKind::kind)
                      .collect(Collectors.toCollection(TreeSet::new))));
    }
    return meant;
  }

  /** {@code object} is {@code Kind namespace/name}. */
  private boolean isMeant(String object, List<String> kinds) {
    String[] parts = object.split("[ /]");
    return (kinds.isEmpty() || kinds.contains(parts[0]))
        && (namespaces.isEmpty() || (parts.length > 2 && namespaces.contains(parts[1])));
  }

  private Objects ofFiles() {
    ManifestSet manifests = new ManifestSet();
    try {
      for (String place : places) {
        if (place.equals(STANDARD_INPUT)) {
          manifests.add(System.in, STANDARD_INPUT);
        } else {
          manifests.add(Path.of(place));
        }
      }
    } catch (IOException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    return Objects.of(manifests.contents(), manifests.problems());
  }

  private Objects ofCluster() {
    try {
      return ClusterFacts.objects(ClusterFacts.source(cluster.access(), false).gather());
    } catch (NotThereException e) {
      throw new IllegalStateException(String.valueOf(e.getMessage()), e);
    } catch (ParameterException e) {
      throw new ParameterException(
          spec.commandLine(), e.getMessage() + "; or a folder of manifests with --registry", e);
    } catch (LinkageError e) {
      throw new ParameterException(
          spec.commandLine(), "this image has no client of Kubernetes; give --registry", e);
    }
  }

  /** As {@code sluice check} finds them. */
  private static List<Finding> repeated(Objects objects) {
    List<Finding> notes = new ArrayList<>();
    PolicyChecks.repeated(
        objects,
        (first, second) ->
            notes.add(
                new Finding(
                    "",
                    0,
                    "TrafficTarget " + second,
                    "",
                    Level.INFO,
                    "grants what " + first + " grants",
                    Code.TARGET_SAME.mend(),
                    "TrafficTarget " + first,
                    Ground.SAID)));
    return notes;
  }

  private static void print(Objects objects, List<Finding> found, PrintWriter out) {
    for (Finding one : found) {
      out.println(
          (one.line() > 0 ? Printable.line(one.file()) + ":" + one.line() + ": " : "")
              + Listing.toned(one.level().word())
              + ": "
              + one.sentence());
    }
    out.println(
        "%s objects, %s contradictions".formatted(objects.all().size(), contradictions(found)));
  }

  private static ObjectNode json(Objects objects, List<Finding> found) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("objects", objects.all().size());
    ArrayNode conflicts = json.putArray("conflicts");
    for (Finding one : found) {
      conflicts
          .addObject()
          .put("object", one.object())
          .put("with", one.rival())
          .put("level", one.level().word())
          .put("field", one.field())
          .put("reason", one.reason())
          .put("mend", one.mend())
          .put("file", one.file())
          .put("line", one.line());
    }
    ArrayNode unread = json.putArray("unread");
    unread(objects).forEach(one -> unread.add(one.toString()));
    return json;
  }
}
