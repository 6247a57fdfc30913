package io.sluice.kernel.matrix;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Turns the results of a run into the table between the markers of {@code docs/kernels.md}.
 * Arguments: the directory of results, and the document; {@code -} for none.
 */
public final class MatrixTable {
  private static final String BEGIN = "<!-- kernels:begin -->";
  private static final String END = "<!-- kernels:end -->";
  private static final int LONGEST_REASON = 240;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final StringBuilder rows = new StringBuilder();
  private final StringBuilder reasons = new StringBuilder();
  private boolean complete = true;

  private MatrixTable() {}

  /** Writes the table, prints it, and ends with status 1 when a check failed. */
  public static void main(String[] arguments) throws IOException {
    MatrixTable table = new MatrixTable();
    List<JsonNode> results = read(Path.of(arguments[0]));
    results.forEach(table::add);
    String text = table.text();
    if (!arguments[1].equals("-")) {
      write(text, Path.of(arguments[1]));
    }
    System.out.print(text);
    System.exit(table.complete && !results.isEmpty() ? 0 : 1);
  }

  private static void write(String text, Path document) throws IOException {
    String before = Files.readString(document);
    int begin = before.indexOf(BEGIN);
    int end = before.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalStateException(document + " lacks the markers " + BEGIN + " and " + END);
    }
    Files.writeString(
        document,
        before.substring(0, begin + BEGIN.length()) + "\n" + text + before.substring(end));
  }

  private static List<JsonNode> read(Path directory) throws IOException {
    List<JsonNode> results = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(name -> name.toString().endsWith(".json")).toList()) {
        results.add(JSON.readTree(file.toFile()));
      }
    }
    results.sort(
        Comparator.comparing((JsonNode result) -> result.path("architecture").asText())
            .thenComparing(result -> sortable(result.path("release").asText()))
            .thenComparing(result -> result.path("mode").asText()));
    return results;
  }

  /** Numbers padded, so that 5.10 comes before 6.1. */
  private static String sortable(String release) {
    StringBuilder padded = new StringBuilder();
    for (String part : release.split("[^0-9]+", -1)) {
      padded.append("%8s".formatted(part));
    }
    return padded.toString();
  }

  private void add(JsonNode entry) {
    JsonNode result = entry.path("result");
    JsonNode checks = result.path("checks");
    long passed = checks.valueStream().filter(MatrixTable::hasPassed).count();
    complete &= !checks.isEmpty() && passed == checks.size();
    String kernel = entry.path("release").asText();
    String architecture = entry.path("architecture").asText();
    int objects = result.path("objects").asInt();
    int refused = result.path("refused_programs").size();
    rows.append(
        "| %s | %s | %s | %s | %s | %s | %s | %s s |\n"
            .formatted(
                kernel,
                architecture,
                result.has("btf") ? (result.path("btf").asBoolean() ? "yes" : "no") : "?",
                entry.path("mode").asText(),
                result.path("chosen").asText("none"),
                objects == 0 ? "?" : (objects - refused) + " of " + objects,
                checks.isEmpty() ? "no result" : passed + " of " + checks.size(),
                entry.path("boot_seconds").asText()));
    describe(kernel + " " + architecture + ", " + entry.path("mode").asText(), result);
  }

  private void describe(String title, JsonNode result) {
    List<String> lines = new ArrayList<>();
    if (result.has("problem")) {
      lines.add(cell(result.path("problem").asText()));
    }
    result
        .path("refused_programs")
        .properties()
        .forEach(program ->
            lines.add(
                "program `"
                    + program.getKey()
                    + "` refused: `"
                    + cell(program.getValue().asText())
                    + "`"));
    if (!result.path("missing_features").isEmpty()) {
      lines.add(
          "the kernel lacks "
              + String.join(
                  ", ",
                  result.path("missing_features").valueStream().map(JsonNode::asText).toList()));
    }
    if (!result.path("reason").asText().isEmpty()) {
      lines.add("chosen because: " + cell(result.path("reason").asText()));
    }
    if (result.path("chosen").asText().equals("none")) {
      lines.add("the daemon ended: `" + cell(result.path("daemon_log").asText()) + "`");
    }
    result
        .path("checks")
        .valueStream()
        .filter(check -> !hasPassed(check))
        .filter(check -> !check.path("problem").asText().startsWith("not run"))
        .forEach(check ->
            lines.add(
                "failed: "
                    + check.path("name").asText()
                    + ": `"
                    + cell(check.path("problem").asText())
                    + "`"));
    if (!lines.isEmpty()) {
      reasons.append("\n**").append(title).append("**\n\n");
      lines.forEach(line -> reasons.append("- ").append(line).append('\n'));
    }
  }

  private static boolean hasPassed(JsonNode check) {
    return check.path("problem").asText().isEmpty();
  }

  private static String cell(String text) {
    String line = text.replaceAll("\\s+", " ").replace('`', '\'').strip();
    return line.length() <= LONGEST_REASON ? line : line.substring(0, LONGEST_REASON) + "…";
  }

  private String text() {
    return """

    | Kernel | Architecture | BTF | Mode asked | Mode chosen | Programs taken | Checks passed | Time |
    |---|---|---|---|---|---|---|---|
    """
        + rows
        + reasons
        + "\n";
  }
}
