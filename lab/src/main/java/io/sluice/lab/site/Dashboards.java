package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the chart's dashboards and alert rules ask of Prometheus. */
public final class Dashboards {
  /** The alert rules. */
  public static final Path RULES = Path.of("..", "charts", "sluice", "rules", "sluice.yaml");

  private static final Path FILES = Path.of("..", "charts", "sluice", "dashboards");
  private static final Pattern METRIC =
      Pattern.compile("\\b(?:sluice|istio|osm|jvm|process)_[a-z0-9_]+");

  /** Grafana's own function, in the query of a variable. */
  private static final Pattern LABEL_VALUES = Pattern.compile("label_values\\((.*), (\\w+)\\)");

  /** What Grafana makes of it for a graph of some hours, in the seconds that a test has. */
  private static final String RATE_INTERVAL = "15s";

  private Dashboards() {}

  /**
   * An instant query, and what shows it.
   *
   * @param panel its title, or the name of the variable whose values it finds
   */
  public record Query(String panel, String expression) {
    /** The metrics that it asks for. */
    public List<String> metrics() {
      return METRIC.matcher(expression).results().map(MatchResult::group).toList();
    }
  }

  /** All dashboards, in the order of their files' names. */
  public static List<JsonNode> all() throws IOException {
    List<Path> sorted = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(FILES, "*.json")) {
      files.forEach(sorted::add);
    }
    sorted.sort(Comparator.naturalOrder());
    List<JsonNode> dashboards = new ArrayList<>();
    for (Path file : sorted) {
      dashboards.add(new ObjectMapper().readTree(file.toFile()));
    }
    return dashboards;
  }

  /** All queries of a dashboard, with all values of its variables chosen, as Grafana has them. */
  public static List<Query> queries(JsonNode dashboard) {
    List<Query> queries = new ArrayList<>();
    List<String> variables = new ArrayList<>();
    for (JsonNode variable : dashboard.at("/templating/list")) {
      variables.add(variable.path("name").asText());
      Matcher values = LABEL_VALUES.matcher(variable.path("query").asText());
      if (values.matches()) {
        String expression = "count by (" + values.group(2) + ") (" + values.group(1) + ")";
        queries.add(new Query(variables.getLast(), expression));
      }
    }
    for (JsonNode panel : dashboard.path("panels")) {
      for (JsonNode target : panel.path("targets")) {
        queries.add(new Query(panel.path("title").asText(), target.path("expr").asText()));
      }
    }
    return queries.stream().map(query -> chosen(query, variables)).toList();
  }

  private static Query chosen(Query query, List<String> variables) {
    String expression = query.expression().replace("$__rate_interval", RATE_INTERVAL);
    for (String variable : variables) {
      expression = expression.replace("\"$" + variable + "\"", "\".*\"");
    }
    return new Query(query.panel(), expression);
  }

  /** Those of all dashboards. */
  public static List<Query> queries() throws IOException {
    return all().stream().flatMap(each -> queries(each).stream()).toList();
  }

  /** Those of one panel. */
  public static List<Query> queries(String panel) throws IOException {
    return queries().stream().filter(query -> query.panel().equals(panel)).toList();
  }

  /** Metrics of the alert rules, each as a query. */
  public static List<Query> ofAlerts() throws IOException {
    return new TreeSet<>(new Query("", Files.readString(RULES)).metrics())
        .stream().map(name -> new Query("alerts", name)).toList();
  }
}
