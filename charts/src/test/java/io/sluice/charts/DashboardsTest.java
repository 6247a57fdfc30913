package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Every panel asks for metrics that exist, in words that Prometheus understands. */
class DashboardsTest {
  private static final Pattern METRIC =
      Pattern.compile("\\b(?:sluice|istio|jvm|process)_[a-z0-9_]+");

  @RegisterExtension final LookedUp cluster = new LookedUp();
  @TempDir private Path directory = Path.of("");

  private record Query(String panel, String expression) {}

  private static List<Query> queries() throws IOException {
    List<Query> queries = new ArrayList<>();
    Objects objects = Chart.asItComes().with("dashboards: {enabled: true}").objects();
    for (ConfigMap map : objects.of(ConfigMap.class)) {
      for (var file : map.getData().entrySet()) {
        if (file.getKey().endsWith(".json")) {
          JsonNode dashboard = new ObjectMapper().readTree(file.getValue());
          for (JsonNode panel : dashboard.path("panels")) {
            assertThat(panel.path("description").asText()).isNotBlank();
            for (JsonNode target : panel.path("targets")) {
              queries.add(
                  new Query(
                      dashboard.path("title").asText() + "/" + panel.path("title").asText(),
                      target.path("expr").asText()));
            }
          }
        }
      }
    }
    return queries;
  }

  @Test
  void asksOnlyForMetricsThatTheProcessesHave() throws IOException {
    Set<String> registered = RegisteredMetrics.names();

    for (Query query : queries()) {
      List<String> asked =
          METRIC.matcher(query.expression()).results().map(MatchResult::group).toList();
      assertThat(asked).as("%s", query).isNotEmpty();
      assertThat(registered).as("%s", query).containsAll(asked);
    }
  }

  @Test
  void prometheusUnderstandsEveryQuery() throws Exception {
    StringBuilder rules = new StringBuilder("groups:\n- name: dashboards\n  rules:\n");
    Set<String> panels = new TreeSet<>();
    int number = 0;
    for (Query query : queries()) {
      panels.add(query.panel());
      rules
          .append("  - record: query")
          .append(number++)
          .append("\n    expr: >-\n      ")
          .append(query.expression().replace("$__rate_interval", "5m"))
          .append('\n');
    }
    Path file = Files.writeString(directory.resolve("rules.yaml"), rules);

    Process check =
        new ProcessBuilder("promtool", "check", "rules", file.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(check.getInputStream().readAllBytes());

    assertThat(check.waitFor()).as(said).isZero();
    assertThat(panels).hasSizeGreaterThan(25);
  }

  /**
   * Names of the series that daemon and controller have, as {@code docs/reference/metrics.md} lists
   * them. That page is made from the code, and a test there keeps it so.
   */
  private static final class RegisteredMetrics {
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([a-z_0-9]+)` \\| ([a-z]+) \\|");

    private RegisteredMetrics() {}

    static Set<String> names() throws IOException {
      String page = Files.readString(Chart.ROOT.resolve("docs/reference/metrics.md"));
      Set<String> names = new TreeSet<>();
      ROW.matcher(page).results().forEach(row -> add(row, names));
      return names;
    }

    private static void add(MatchResult row, Set<String> names) {
      String name = row.group(1);
      Stream<String> suffixes =
          switch (row.group(2)) {
            case "histogram" -> Stream.of("_bucket", "_sum", "_count");
            case "summary" -> Stream.of("", "_sum", "_count");
            default -> Stream.of("");
          };
      suffixes.forEach(suffix -> names.add(name + suffix));
    }
  }
}
