package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Dashboards;
import io.sluice.lab.site.Dashboards.Query;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Dashboards are such as Grafana reads, and they and the alert rules ask for metrics and labels
 * that exist, in words that Prometheus understands.
 */
class DashboardsTest {
  /** Where labels are named: after by and on, and before a matcher. */
  private static final Pattern LABELS =
      Pattern.compile("(?:by|on|without|ignoring) ?\\(([a-z_, ]*)\\)|[{,] ?([a-z_]+)(?==)");

  /** That every series has, or every bucket. */
  private static final Set<String> ALWAYS = Set.of("instance", "job", "le", "__name__");

  @TempDir private Path directory = Path.of("");

  /** Queries of dashboards, and of the rules as one. */
  private static List<Query> queries() throws IOException {
    List<Query> queries = new ArrayList<>(Dashboards.queries());
    for (String rule : Files.readString(Dashboards.RULES).split("(?m)^  - alert: ")) {
      if (rule.startsWith("Sluice")) {
        queries.add(
            new Query(
                rule.lines().findFirst().orElseThrow(), rule.split("\n    (for|labels):")[0]));
      }
    }
    assertThat(queries).hasSizeGreaterThan(80);
    return queries;
  }

  @Test
  void asksOnlyForMetricsThatTheProcessesHave() throws IOException {
    Map<String, Set<String>> registered = RegisteredMetrics.labels();

    for (Query query : queries()) {
      List<String> asked = query.metrics();
      assertThat(asked.isEmpty() && !query.expression().contains("up{")).as("%s", query).isFalse();
      assertThat(registered.keySet()).as("%s", query).containsAll(asked);
      Set<String> known = new HashSet<>(ALWAYS);
      asked.forEach(metric -> known.addAll(registered.getOrDefault(metric, Set.of())));
      assertThat(known).as("%s", query).containsAll(labels(query));
    }
  }

  private static List<String> labels(Query query) {
    return LABELS
        .matcher(query.expression())
        .results()
        .flatMap(found ->
            found.group(1) == null
                ? Stream.of(found.group(2))
                : Stream.of(found.group(1).split(", *")))
        .filter(label -> !label.isEmpty())
        .toList();
  }

  /** What Kiali's graph and Istio's dashboards of mesh, service and workload ask for. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "istio_requests_total | request_protocol response_code grpc_response_status response_flags",
        "istio_request_duration_milliseconds_bucket | request_protocol",
        "istio_request_bytes_bucket | request_protocol",
        "istio_response_bytes_bucket | request_protocol",
        "istio_request_messages_total | request_protocol",
        "istio_response_messages_total | request_protocol",
        "istio_tcp_sent_bytes_total | response_flags",
        "istio_tcp_received_bytes_total | response_flags",
        "istio_tcp_connections_opened_total | response_flags",
        "istio_tcp_connections_closed_total | response_flags",
      })
  void haveTheLabelsThatOthersJoinOn(String metric, String more) throws IOException {
    assertThat(RegisteredMetrics.labels().get(metric))
        .contains(more.split(" "))
        .contains("reporter", "connection_security_policy")
        .contains("source_workload", "source_workload_namespace", "source_principal", "source_app")
        .contains("source_canonical_service", "source_canonical_revision", "source_version")
        .contains("destination_workload", "destination_workload_namespace", "destination_app")
        .contains("destination_service", "destination_service_name", "destination_version")
        .contains("destination_service_namespace", "destination_principal")
        .contains("destination_canonical_service", "destination_canonical_revision");
  }

  @Test
  void prometheusUnderstandsEveryQuery() throws Exception {
    StringBuilder rules = new StringBuilder("groups:\n- name: dashboards\n  rules:\n");
    int number = 0;
    for (Query query : Dashboards.queries()) {
      rules
          .append("  - record: query")
          .append(number++)
          .append("\n    expr: >-\n      ")
          .append(query.expression())
          .append('\n');
    }

    AlertsTest.promtool("check", Files.writeString(directory.resolve("rules.yaml"), rules));
    AlertsTest.promtool("check", Dashboards.RULES);
  }

  /** The model of Grafana, as far as it is used; Grafana itself runs in no test. */
  @Test
  void areWhatGrafanaReads() throws IOException {
    Set<String> names = new HashSet<>();
    List<JsonNode> dashboards = Dashboards.all();
    assertThat(dashboards).hasSize(6);
    for (JsonNode dashboard : dashboards) {
      assertThat(dashboard.path("schemaVersion").asInt()).isEqualTo(39);
      assertThat(dashboard.path("uid").asText()).startsWith("sluice-").hasSizeLessThan(41);
      assertThat(names.add(dashboard.path("uid").asText())).isTrue();
      assertThat(names.add(dashboard.path("title").asText())).isTrue();
      JsonNode variables = dashboard.at("/templating/list");
      assertThat(variables.path(0).path("type").asText()).isEqualTo("datasource");
      for (JsonNode variable : variables) {
        String name = variable.path("name").asText();
        assertThat(dashboard.toString())
            .as("%s is used", name)
            .containsAnyOf("$" + name, "${" + name);
      }
      int next = 0;
      for (JsonNode panel : dashboard.path("panels")) {
        String title = dashboard.path("title").asText() + "/" + panel.path("title").asText();
        assertThat(panel.path("id").asInt()).as(title).isEqualTo(next + 1);
        assertThat(panel.path("gridPos"))
            .as(title)
            .hasToString(
                "{\"h\":8,\"w\":12,\"x\":%d,\"y\":%d}".formatted(next % 2 * 12, next / 2 * 8));
        assertThat(panel.path("datasource").path("uid").asText()).isEqualTo("${datasource}");
        assertThat(panel.path("type").asText()).isEqualTo("timeseries");
        assertThat(panel.path("title").asText()).isNotBlank();
        assertThat(panel.path("description").asText()).as(title).endsWith(".");
        assertThat(panel.path("targets")).as(title).isNotEmpty();
        Set<String> references = new HashSet<>();
        for (JsonNode target : panel.path("targets")) {
          assertThat(references.add(target.path("refId").asText())).as(title).isTrue();
          assertThat(target.path("expr").asText()).as(title).isNotBlank();
          assertThat(target.path("legendFormat").asText()).as(title).isNotBlank();
        }
        next++;
      }
      // What no variable has replaced would be a literal to Prometheus.
      assertThat(Dashboards.queries(dashboard))
          .allSatisfy(query -> assertThat(query.expression()).doesNotContain("$"));
    }
  }

  /**
   * Names of the series that daemon and controller have, as {@code docs/reference/metrics.md} lists
   * them, and their labels. That page is made from the code, and a test there keeps it so.
   */
  private static final class RegisteredMetrics {
    private static final Pattern ROW =
        Pattern.compile("(?m)^\\| `([a-z_0-9]+)` \\| ([a-z]+) \\| ([^|]*)\\|");
    private static final Pattern MANY = Pattern.compile("(?m)^Labels of (.*): (.*)\\.$");
    private static final Pattern WORD = Pattern.compile("`([a-z_]+)`");

    private RegisteredMetrics() {}

    static Map<String, Set<String>> labels() throws IOException {
      String page = Files.readString(Chart.ROOT.resolve("docs/reference/metrics.md"));
      Map<String, Set<String>> many = new HashMap<>();
      MANY.matcher(page)
          .results()
          .forEach(line -> words(line.group(1)).forEach(it -> many.put(it, words(line.group(2)))));
      Map<String, Set<String>> labels = new HashMap<>();
      ROW.matcher(page).results().forEach(row -> add(row, many, labels));
      for (String ofLibrary : List.of("jvm_memory_bytes_used", "jvm_memory_bytes_max")) {
        labels.put(ofLibrary, Set.of("area")); // the page has no labels of the library's own
      }
      return labels;
    }

    private static void add(
        MatchResult row, Map<String, Set<String>> many, Map<String, Set<String>> labels) {
      String name = row.group(1);
      Stream<String> suffixes =
          switch (row.group(2)) {
            case "histogram" -> Stream.of("_bucket", "_sum", "_count");
            case "summary" -> Stream.of("", "_sum", "_count");
            default -> Stream.of("");
          };
      Set<String> own = many.getOrDefault(name, words(row.group(3)));
      suffixes.forEach(suffix -> labels.put(name + suffix, own));
    }

    private static Set<String> words(String text) {
      Set<String> words = new HashSet<>();
      WORD.matcher(text).results().forEach(word -> words.add(word.group(1)));
      return words;
    }
  }
}
