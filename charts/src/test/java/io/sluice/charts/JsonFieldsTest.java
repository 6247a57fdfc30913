package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.StateDirectory;
import io.sluice.control.kubernetes.FakeCluster;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What {@code -o json} prints has the fields that help and docs/commands.md list. */
class JsonFieldsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern LOWER_CAMEL = Pattern.compile("[a-z][a-zA-Z0-9]*(\\[\\])?|\\*");

  @TempDir private Path directory = Path.of("");
  @AutoClose private final FakeCluster cluster = ChartCommands.started();
  private final StringWriter out = new StringWriter();

  @BeforeEach
  void writeFiles() throws IOException {
    ObjectNode namespace = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Namespace");
    namespace
        .putObject("metadata")
        .put("name", "bank")
        .putObject("labels")
        .put("sluice.io/mesh", "enabled");
    cluster.put("/api/v1/namespaces/bank", namespace);
    Files.createDirectory(
        directory.resolve("state"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    StateDirectory.at(directory.resolve("state"))
        .joinTokens(InstantSource.system())
        .create("edge1", Duration.ofHours(1));
    Files.writeString(
        directory.resolve("route.yaml"),
        """
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: TCPRoute
        metadata: {name: main, namespace: shop}
        spec: {matches: {port: 1}}
        """);
  }

  private int run(String line) throws IOException {
    out.getBuffer().setLength(0);
    String filled =
        line.replace("CHART", Chart.FOLDER.toString())
            .replace("KUBECONFIG", cluster.kubeconfig(directory).toString())
            .replace("DIR", directory.toString());
    return ChartCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(new StringWriter()))
        .execute(filled.split(" "));
  }

  private static Map<String, CommandLine> withJson() {
    Map<String, CommandLine> found = new LinkedHashMap<>();
    collect(ChartCommand.commandLine(), found);
    return found;
  }

  private static void collect(CommandLine line, Map<String, CommandLine> found) {
    OptionSpec format = line.getCommandSpec().findOption("-o");
    if (format != null && !format.paramLabel().startsWith("FILE")) { // bug-report writes one
      found.put(line.getCommandSpec().qualifiedName(), line);
    }
    line.getSubcommands().values().forEach(each -> collect(each, found));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "install; false; --chart CHART --kubeconfig KUBECONFIG",
        "upgrade; true; --chart CHART --kubeconfig KUBECONFIG",
        "uninstall; true; --yes --without-nodes --chart CHART --kubeconfig KUBECONFIG",
        "mesh upgrade; true; --chart CHART --kubeconfig KUBECONFIG",
        "mesh list; true; --kubeconfig KUBECONFIG",
        "version; true; --kubeconfig KUBECONFIG",
        "namespace add; false; bank --kubeconfig KUBECONFIG",
        "namespace remove; false; bank --kubeconfig KUBECONFIG",
        "namespace ignore; false; bank --kubeconfig KUBECONFIG",
        "namespace list; false; --kubeconfig KUBECONFIG",
        "node cni status; false; --cni-root DIR --state DIR",
        "validate; false; DIR/route.yaml DIR/absent.yaml",
        "control token list; false; --state DIR/state"
      })
  void realOutputHasTheFieldsThatAreListed(String command, boolean isInstalled, String arguments)
      throws IOException {
    if (isInstalled) {
      ChartCommands.giveTheMesh(cluster);
    }

    run(command + " -o json " + arguments);

    CommandLine declared = Objects.requireNonNull(withJson().get("sluice " + command), command);
    assertThat(JsonFields.types(JSON.readTree(out.toString())))
        .isEqualTo(JsonFields.types(JsonFields.of(declared.getCommandSpec())))
        .isNotEmpty();
  }

  @Test
  void everyCommandWithJsonListsItsFields() {
    List<String> without = new ArrayList<>();
    withJson()
        .forEach((name, line) -> {
          if (JsonFields.of(line.getCommandSpec()).isEmpty()) {
            without.add(name);
          }
        });

    assertThat(without)
        .containsExactly(
            "sluice node maps dump"); // it has the columns of the map that is asked for
  }

  @Test
  void namesAreInLowerCamelCase() {
    assertThat(withJson().values())
        .flatExtracting(line -> JsonFields.of(line.getCommandSpec()))
        .isNotEmpty()
        .allSatisfy(field ->
            assertThat(field.path().split("\\.")).allMatch(LOWER_CAMEL.asMatchPredicate()));
  }
}
