package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.Durations;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What came of requests and connections between two readings of a daemon's counters. */
public final class Signals {
  /** By what they are told apart. Lower case, since they are typed. */
  public enum By {
    workload,
    edge,
    route
  }

  private static final String NONE = "-";
  private static final List<String> COUNTS =
      List.of("failed", "connections", "refused", "receivedBytes", "sentBytes");
  private static final double MICROS_PER_MILLI = 1_000;
  private static final double PERCENT = 100;

  private record Key(String workload, String direction, String peer, String route) {}

  /** How much of each, and how long requests took. */
  private static final class Sum {
    private final Map<String, Long> counts = new HashMap<>();
    private final Durations durations = new Durations();

    void add(JsonNode counted, int sign) {
      COUNTS.forEach(name -> counts.merge(name, sign * counted.path(name).asLong(), Long::sum));
      counted
          .path("durations")
          .properties()
          .forEach(each ->
              durations.add(Long.parseLong(each.getKey()), sign * each.getValue().asLong()));
    }

    /** As of {@link Durations}, some may have gone back. */
    long count(String name) {
      return Math.max(0, counts.getOrDefault(name, 0L));
    }

    long requests() {
      return durations.count();
    }

    double quantileMillis(double quantile) {
      return durations.quantileMicros(quantile) / MICROS_PER_MILLI;
    }
  }

  private Signals() {}

  /**
   * A row of each that anything came of, the busiest first.
   *
   * @param before an earlier answer to {@code stat}; empty for the time since the daemon's start
   * @param after a later one
   */
  public static List<JsonNode> between(List<JsonNode> before, List<JsonNode> after, By by) {
    long end = after.getFirst().path("upNanos").asLong();
    long begin = before.isEmpty() ? 0 : before.getFirst().path("upNanos").asLong();
    boolean isAnother = begin > end; // a daemon that has started since
    Map<Key, Sum> sums = new HashMap<>();
    add(after, 1, by, sums);
    if (!isAnother) {
      add(before, -1, by, sums);
    }
    double seconds = (end - (isAnother ? 0 : begin)) / (double) TimeUnit.SECONDS.toNanos(1);
    List<JsonNode> rows = new ArrayList<>();
    sums.forEach((key, sum) -> {
      if (sum.requests() > 0 || COUNTS.stream().anyMatch(name -> sum.count(name) > 0)) {
        rows.add(row(key, sum, seconds));
      }
    });
    rows.sort(
        Comparator.<JsonNode>comparingDouble(
                row -> -row.path("requestRate").asDouble() - row.path("connectionRate").asDouble())
            .thenComparing(row -> row.path("workload").asText() + row.path("peer").asText()));
    return rows;
  }

  /** What led a part of the requests between two ends is taken out of what no route led. */
  private static void add(List<JsonNode> reading, int sign, By by, Map<Key, Sum> to) {
    for (JsonNode each : reading.subList(Math.min(1, reading.size()), reading.size())) {
      boolean isLed = !each.path("route").asText().isEmpty();
      if (by != By.route) {
        if (!isLed) {
          to.computeIfAbsent(key(each, by, NONE), _ -> new Sum()).add(each, sign);
        }
      } else if (each.has("durations") && each.path("direction").asText().equals("outbound")) {
        to.computeIfAbsent(key(each, by, NONE), _ -> new Sum()).add(each, isLed ? -sign : sign);
        if (isLed) {
          to.computeIfAbsent(key(each, by, each.path("route").asText()), _ -> new Sum())
              .add(each, sign);
        }
      }
    }
  }

  private static Key key(JsonNode counted, By by, String route) {
    String peer =
        switch (by) {
          case workload -> NONE;
          case edge ->
              counted.path("peer").asText().equals("unknown")
                  ? counted.path("service").asText()
                  : counted.path("peer").asText();
          case route -> counted.path("service").asText();
        };
    return new Key(
        counted.path("workload").asText(), counted.path("direction").asText(), peer, route);
  }

  private static ObjectNode row(Key key, Sum sum, double seconds) {
    long requests = sum.requests();
    ObjectNode row =
        JsonNodeFactory.instance
            .objectNode()
            .put("workload", key.workload)
            .put("direction", key.direction)
            .put("peer", key.peer)
            .put("route", key.route)
            .put("seconds", rounded(seconds))
            .put("requests", requests)
            .put("requestRate", rounded(requests / seconds))
            .put("failed", sum.count("failed"));
    if (requests > 0) {
      row.put("successPercent", rounded(PERCENT * (requests - sum.count("failed")) / requests))
          .put("p50Millis", rounded(sum.quantileMillis(0.5)))
          .put("p95Millis", rounded(sum.quantileMillis(0.95)))
          .put("p99Millis", rounded(sum.quantileMillis(0.99)));
    }
    return row.put("connections", sum.count("connections"))
        .put("connectionRate", rounded(sum.count("connections") / seconds))
        .put("refused", sum.count("refused"))
        .put("receivedBytesRate", Math.round(sum.count("receivedBytes") / seconds))
        .put("sentBytesRate", Math.round(sum.count("sentBytes") / seconds));
  }

  private static double rounded(double value) {
    return Math.round(value * 100) / 100.0;
  }
}
