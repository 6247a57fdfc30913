package io.sluice.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.validate.ValidateCommand;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.node.RegistryFindings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

/** What `validate`, a daemon's log and its status say of one thing is the same. */
class RegistryProblemsTest {
  private static final String TARGET =
      """
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: t, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: store, namespace: shop}
        sources:
        - {kind: ServiceAccount, name: buyer, namespace: shop}
        rules:
        - kind: TCPRoute
          name: missing
      """;
  private static final String CONFIG =
      """
      apiVersion: config.openservicemesh.io/v1alpha1
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec:
        traffic:
          enablePermissiveTrafficPolicyMode: true
          FIELD
      """;

  /** What a file holds, and what is said of it. */
  private enum Written {
    ROUTE_THAT_IS_MISSING(TARGET, 9, "error", "spec.rules[0]"),
    END_OF_ANOTHER_KIND(
        TARGET.replace("kind: ServiceAccount, name: buyer", "kind: Group, name: buyer"),
        7,
        "error",
        "spec.sources[0].kind"),
    FIELD_THAT_NOBODY_KNOWS(
        CONFIG.replace("FIELD", "enableEgres: true"), 7, "error", "spec.traffic.enableEgres"),
    MODE_THAT_SAYS_ALL(
        CONFIG.replace("FIELD", "mtlsMode: STRICT"), 7, "info", "spec.traffic.mtlsMode"),
    WORD_THAT_MEANS_NOTHING(
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: web
          namespace: shop
          annotations:
            sluice.io/mtls-mode: strictly
        """,
        7,
        "warning",
        "metadata.annotations[\"sluice.io/mtls-mode\"]"),
    VALUE_OF_ANOTHER_TYPE(
        CONFIG.replace("FIELD", "enableEgress:\n      - yes"),
        7,
        "error",
        "spec.traffic.enableEgress"),
    NO_YAML("kind: [\n", 2, "error", "");

    private final String text;
    private final int line;
    private final String level;
    private final String field;

    Written(String text, int line, String level, String field) {
      this.text = text;
      this.line = line;
      this.level = level;
      this.field = field;
    }
  }

  @TempDir private Path directory = Path.of("");

  @ParameterizedTest
  @EnumSource(Written.class)
  void sayAllTheSameOfOneFinding(Written written) throws IOException {
    Files.writeString(directory.resolve("one.yaml"), written.text);

    String validated = validated();
    List<LogRecord> logged = new ArrayList<>();
    RegistryFindings status = read(logged);

    String place = "one.yaml:" + written.line + ": " + written.level + ": ";
    assertThat(validated.lines()).anyMatch(line -> says(line, place, written.field));
    assertThat(logged)
        .anyMatch(record ->
            says(record.getMessage(), place, written.field)
                && record.getLevel().getName().equals(logLevel(written.level)));
    assertThat(status.problems())
        .filteredOn(problem -> says(problem.toString(), place, written.field))
        .hasSize(written.level.equals("error") ? 1 : 0);
    assertThat(status.warnings())
        .filteredOn(warning -> says(warning.toString(), place, written.field))
        .hasSize(written.level.equals("warning") ? 1 : 0);
  }

  private static boolean says(String line, String place, String field) {
    return line.contains(place) && line.contains(field.isEmpty() ? "" : field + ": ");
  }

  private static String logLevel(String level) {
    return switch (level) {
      case "error" -> "SEVERE";
      case "warning" -> "WARNING";
      default -> "INFO";
    };
  }

  private String validated() {
    StringWriter out = new StringWriter();
    int _ =
        new CommandLine(new ValidateCommand())
            .setOut(new PrintWriter(out))
            .execute(directory.toString());
    return out.toString();
  }

  private RegistryFindings read(List<LogRecord> logged) {
    Logger logger = Logger.getLogger(RegistryProblems.class.getName());
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            logged.add(record);
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    try (FolderRegistry registry = new FolderRegistry(directory, new RegistryProblems())) {
      registry.start(_ -> {});
      return RegistryProblems.of(registry.status());
    } finally {
      logger.removeHandler(handler);
    }
  }
}
