package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a node and its controller print for programs has the fields of docs/commands.md, and what
 * they print for people fits the terminal. Of a mesh that {@link CheckOnNodeTest} has started,
 * which refused the thief something.
 */
abstract class JsonOutputContract {
  private static final Pattern ROW = Pattern.compile("\\| `([^`]+)` \\| (\\w+) \\| (.*) \\|");

  /** Only there in some meshes. */
  private static final String OPTIONAL = "With ";

  @AutoClose static Cluster cluster;

  @ParameterizedTest
  @CsvSource({
    "node status, --node-name NODE",
    "node pods, --node-name NODE",
    "node certificates, --node-name NODE",
    "node events, --node-name NODE",
    "node maps list, --node-name NODE",
    "node capabilities, ''",
    "offline, --node-name NODE",
    "offline extend, --node-name NODE",
    "stat, --total --node-name NODE",
    "stat, edge --total --node-name NODE",
    "cost, --node-name NODE",
    "why, shop/thief shop/store:8080 GET / --probe --node-name NODE",
    "control status, --state STATE"
  })
  void realOutputHasTheFieldsThatAreListed(String command, String arguments) throws IOException {
    Map<String, String> listed = new TreeMap<>();
    Set<String> needed = new TreeSet<>();
    for (String row : section(command)) {
      Matcher parts = ROW.matcher(row);
      if (parts.matches()) {
        listed.put(parts.group(1), parts.group(2));
        if (!parts.group(3).startsWith(OPTIONAL)) {
          needed.add(parts.group(1));
        }
      }
    }

    Map<String, String> there = new TreeMap<>();
    for (JsonNode value : printed(command + " -o json " + arguments)) {
      collect("", value, listed.keySet(), there);
    }

    assertThat(there).isNotEmpty().containsKeys(needed.toArray(String[]::new));
    assertThat(listed.entrySet()).containsAll(there.entrySet());
  }

  /** Values of one array, or one after the other. */
  private static List<JsonNode> printed(String line) throws IOException {
    Site site = cluster.site("a");
    String controller = site.state().resolve("controller").toString();
    String output =
        JavaCommand.here(
            line.strip().replace("NODE", site.prefix()).replace("STATE", controller).split(" "));
    List<JsonNode> values = new ArrayList<>();
    try (var read = new ObjectMapper().readerFor(JsonNode.class).<JsonNode>readValues(output)) {
      while (read.hasNext()) {
        JsonNode value = read.next();
        if (value.isArray()) {
          value.forEach(values::add);
        } else {
          values.add(value);
        }
      }
    }
    return values;
  }

  /** The answer is the same; the widest columns are shortened where a terminal is narrow. */
  @ParameterizedTest
  @ValueSource(strings = {"node pods", "node status"})
  void tablesFitTheTerminal(String command) {
    assertFitsTheTerminal(command);
  }

  @Tag("long")
  @ParameterizedTest
  @ValueSource(strings = {"node events", "node certificates", "node maps list"})
  void furtherTablesFitTheTerminal(String command) {
    assertFitsTheTerminal(command);
  }

  private static void assertFitsTheTerminal(String command) {
    String line = command + " --node-name " + cluster.site("a").prefix();

    List<String> narrow = onTerminal(60, "", line);
    List<String> wide = onTerminal(200, "NO_COLOR=1", line);
    List<String> piped = piped(line);

    int verdict = command.equals("node status") ? 1 : 0; // a sentence, which is not shortened
    assertThat(narrow).hasSameSizeAs(piped);
    assertThat(narrow.stream().skip(verdict)).allMatch(row -> plain(row).length() <= 60);
    assertThat(narrow.get(2 * verdict)).matches("\u001b\\[1m.*(\u001b\\[m|  …)");
    assertThat(narrow).anyMatch(row -> row.contains("…"));
    assertThat(wide).hasSameSizeAs(piped).allMatch(row -> row.length() <= 200);
    assertThat(String.join("", wide)).doesNotContain("\u001b");
    assertThat(String.join("", piped))
        .doesNotContain("\u001b", "…")
        .doesNotContainPattern("\\d\\.\\d+Z");
    assertThat(onTerminal(60, "NO_COLOR=1", line + " -o wide"))
        .hasSameSizeAs(piped(line + " -o wide"))
        .noneMatch(row -> row.contains("…"))
        .anyMatch(row -> row.length() > 60);
  }

  /** Eight columns have room for a letter or two each: who, why and where to are told instead. */
  @Test
  void eventsSayOnANarrowTerminalWhatHappened() {
    List<String> rows =
        onTerminal(60, "NO_COLOR=1", "node events --node-name " + cluster.site("a").prefix());

    assertThat(rows.getFirst()).matches("TIME +VERDICT +REASON +POD +DESTINATI.* +…");
    assertThat(rows)
        .anyMatch(row -> row.matches("….*:\\d\\dZ +refused +no_traff.*…  shop/thief +.*"));
  }

  @Test
  void checkColoursItsWordsAndHasTimesToTheSecond(@TempDir Path registry) throws IOException {
    Files.writeString(
        registry.resolve("service.yaml"),
        Manifests.service("bare", "10.96.0.9", "fd96::9", 80, 80));
    String line =
        "check --without-cluster --node-name %s --registry %s"
            .formatted(cluster.site("a").prefix(), registry);

    String coloured = String.join("\n", onTerminal(60, "", line));
    String plain = String.join("\n", piped(line));

    assertThat(coloured).contains("SLU2039 \u001b[33mwarning\u001b[m A Service selects no pod");
    assertThat(plain)
        .contains("SLU2039 warning A Service selects no pod")
        .containsPattern("no_traffic_target: .*\\dT\\d\\d:\\d\\d:\\d\\dZ");
  }

  /** A cache that does not fit, as that of a tree that was moved, is no use and no harm. */
  @Test
  void ofPreparedClassesThatDoNotFitNothingIsPrinted(@TempDir Path directory) throws IOException {
    Path cache = Files.write(directory.resolve("other.aot"), new byte[100_000]);
    Path launcher = SourceTree.around().root().resolve("sluice");
    String start =
        "eval \"$(sed -n '/^java_flags()/,/^}/p' \"$1\")\";"
            + " exec \"$2\" $(java_flags) \"-XX:AOTCache=$3\" -version 2>\"$4\"";
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Path said = directory.resolve("said");

    String printed =
        Commands.run(
            "sh", "-c", start, "sh", launcher.toString(), java, cache.toString(), said.toString());

    assertThat(printed).isEmpty();
    assertThat(said).content().contains("Runtime Environment").doesNotContain("aot");
  }

  @Test
  void wideShowsMoreOfPodsThanTheTable() {
    String line = "node pods --node-name " + cluster.site("a").prefix();

    assertThat(piped(line).getFirst()).doesNotContain("IDENTITY", "HANDLERS");
    assertThat(piped(line + " -o wide").getFirst()).contains("IDENTITY", "HANDLERS", "NETNSCOOKIE");
  }

  @Test
  void eventsAreChosenByPodReasonTimeAndNumber() throws IOException {
    String line = "node events -o json --node-name " + cluster.site("a").prefix();
    String thief = cluster.pod("thief").meshName();

    List<JsonNode> chosen =
        printed(line + " --pod thief --reason no_traffic_target --since 1h --last 1");
    assertThat(chosen)
        .singleElement()
        .satisfies(event -> {
          assertThat(event.path("pod").asText()).isEqualTo(thief);
          assertThat(event.path("reason").asText()).isEqualTo("no_traffic_target");
        });
    assertThat(printed(line + " --pod " + thief)).isNotEmpty();
    assertThat(printed(line + " --pod nobody")).isEmpty();
    assertThat(printed(line + " --last 0")).isEmpty();
    assertThatThrownBy(() -> piped(line + " --reason no_trafic_target"))
        .hasMessageContaining("is no reason; did you mean 'no_traffic_target'?; see 'sluice node");
  }

  /** Each round in the place of the one before, but into a pipe below it. */
  @Test
  void topIsRenewedInPlace() {
    String line = "top --rounds 1 --every 1s --node-name " + cluster.site("a").prefix();

    assertThat(onTerminal(200, "NO_COLOR=1", line).getFirst())
        .startsWith("\u001b[H\u001b[JWORKLOAD  DIRECTION");
    assertThat(piped(line).getFirst()).startsWith("WORKLOAD  DIRECTION");
  }

  @Test
  void allowedFlowsAreToldToWhoFollowsThem() throws Exception {
    Site site = cluster.site("a");
    List<String> command =
        JavaCommand.sluice(
            "node", "events", "-f", "--allowed", "-o", "json", "--node-name", site.prefix());
    try (TcpServer server = TcpServer.echo(cluster.pod("thief"), Family.IPV4, 8080)) {
      cluster
          .registry()
          .write("target", Manifests.trafficTarget("store", "thief", List.of(server.port())));
      Process follower = new ProcessBuilder(command).start();
      try (BufferedReader told = follower.inputReader()) {
        var destination = cluster.pod("thief").at(Family.IPV4, server.port());
        Await.until(
            "an allowed flow is told",
            Await.patience(30),
            () -> {
              Attempt.from(cluster.pod("store"), destination, "hi");
              while (told.ready()) {
                if (told.readLine().contains("\"reason\":\"traffic_target\"")) {
                  return true;
                }
              }
              return false;
            });
      } finally {
        follower.destroyForcibly().waitFor();
      }
      assertThat(site.daemon().view().events())
          .noneMatch(event -> event.path("reason").asText().equals("traffic_target"));
    } finally {
      cluster.registry().remove("target");
    }
  }

  private static String plain(String row) {
    return row.replaceAll("\u001b\\[[0-9]*m", "");
  }

  private static List<String> piped(String line) {
    return JavaCommand.here(line.split(" ")).lines().toList();
  }

  /** With standard output on a terminal so many columns wide. */
  private static List<String> onTerminal(int columns, String environment, String line) {
    String command = String.join(" ", JavaCommand.sluice()) + " " + line;
    return Commands.run(
            "script",
            "-qec",
            "stty cols %d; TERM=xterm %s exec %s".formatted(columns, environment, command),
            "/dev/null")
        .replace("\r", "")
        .lines()
        .toList();
  }

  private static List<String> section(String command) throws IOException {
    List<String> lines = Files.readAllLines(SourceTree.around().root().resolve("docs/commands.md"));
    int start = lines.indexOf("## sluice " + command);
    assertThat(start).isNotNegative();
    return lines.subList(start + 1, lines.size()).stream()
        .takeWhile(line -> !line.startsWith("## "))
        .toList();
  }

  private static void collect(
      String path, JsonNode value, Set<String> listed, Map<String, String> there) {
    if (value.isObject()) {
      String before = path.isEmpty() ? "" : path + ".";
      boolean isByName = listed.stream().anyMatch(each -> each.startsWith(before + "*"));
      value
          .properties()
          .forEach(member ->
              collect(
                  before + (isByName ? "*" : member.getKey()), member.getValue(), listed, there));
    } else if (value.isArray()) {
      value.forEach(element -> collect(path + "[]", element, listed, there));
    } else {
      there.put(path, value.getNodeType().name().toLowerCase(Locale.ROOT));
    }
  }
}
