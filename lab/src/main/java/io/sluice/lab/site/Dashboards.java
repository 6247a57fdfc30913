package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The queries of the chart's dashboards. */
public final class Dashboards {
  private static final Path FILES = Path.of("..", "charts", "sluice", "dashboards");

  /** What Grafana makes of it for a graph of some hours, in the seconds that a test has. */
  private static final String RATE_INTERVAL = "15s";

  private Dashboards() {}

  /** An instant query, and the panel that shows it. */
  public record Query(String panel, String expression) {}

  /** All of them, their variables replaced as Grafana does. */
  public static List<Query> queries() throws IOException {
    List<Query> queries = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(FILES, "*.json")) {
      for (Path file : files) {
        JsonNode dashboard = new ObjectMapper().readTree(file.toFile());
        for (JsonNode panel : dashboard.path("panels")) {
          for (JsonNode target : panel.path("targets")) {
            String expression = target.path("expr").asText();
            queries.add(
                new Query(
                    panel.path("title").asText(),
                    expression.replace("$__rate_interval", RATE_INTERVAL)));
          }
        }
      }
    }
    return queries;
  }

  /** Those of one panel. */
  public static List<Query> queries(String panel) throws IOException {
    return queries().stream().filter(query -> query.panel().equals(panel)).toList();
  }
}
