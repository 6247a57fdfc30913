package io.sluice.cli.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.node.Signals.By;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SignalsTest {
  private static final String NO_ROUTE = "";

  private static List<JsonNode> reading(int seconds, JsonNode... rows) {
    List<JsonNode> reading = new ArrayList<>();
    reading.add(
        JsonNodeFactory.instance.objectNode().put("upNanos", TimeUnit.SECONDS.toNanos(seconds)));
    reading.addAll(List.of(rows));
    return reading;
  }

  private static ObjectNode row(String peer, String route) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("workload", "shop/cart")
        .put("direction", "outbound")
        .put("peer", peer)
        .put("service", "shop/catalogue")
        .put("route", route);
  }

  private static ObjectNode requests(
      String peer, String route, int failed, Map<String, Integer> durations) {
    ObjectNode row = row(peer, route).put("failed", failed);
    ObjectNode all = row.putObject("durations");
    durations.forEach(all::put);
    return row;
  }

  @Test
  void whatCameBetweenTwoReadingsIsTold() {
    List<JsonNode> rows =
        Signals.between(
            reading(100, requests("shop/v1", NO_ROUTE, 5, Map.of("1000", 40, "9000", 10))),
            reading(110, requests("shop/v1", NO_ROUTE, 8, Map.of("1000", 133, "9000", 17))),
            By.workload);

    JsonNode row = rows.getFirst();
    assertThat(rows).hasSize(1);
    assertThat(row.path("requests").asLong()).isEqualTo(100);
    assertThat(row.path("requestRate").asDouble()).isEqualTo(10);
    assertThat(row.path("failed").asLong()).isEqualTo(3);
    assertThat(row.path("successPercent").asDouble()).isEqualTo(97);
    assertThat(row.path("p50Millis").asDouble()).isEqualTo(1);
    assertThat(row.path("p95Millis").asDouble()).isEqualTo(9);
    assertThat(row.path("seconds").asDouble()).isEqualTo(10);
  }

  @Test
  void theSlowestAreThoseBeyondTheirRank() {
    List<JsonNode> after =
        reading(10, requests("shop/v1", NO_ROUTE, 0, Map.of("1000", 99, "700000", 1)));

    JsonNode row = Signals.between(List.of(), after, By.workload).getFirst();

    assertThat(row.path("p99Millis").asDouble()).isEqualTo(1);
    assertThat(row.path("requestRate").asDouble()).isEqualTo(10);
  }

  @Test
  void edgesOfAWorkloadAreTheirOwnRowsTheBusiestFirst() {
    List<JsonNode> after =
        reading(
            10,
            requests("shop/v1", NO_ROUTE, 0, Map.of("1000", 3)),
            requests("shop/v2", NO_ROUTE, 0, Map.of("1000", 5)),
            requests("unknown", NO_ROUTE, 0, Map.of("1000", 4)),
            row("shop/db", NO_ROUTE).put("connections", 90).put("receivedBytes", 1_000));

    assertThat(Signals.between(List.of(), after, By.edge))
        .extracting(row -> row.path("peer").asText())
        .containsExactly("shop/db", "shop/v2", "shop/catalogue", "shop/v1");
    assertThat(Signals.between(List.of(), after, By.workload))
        .singleElement()
        .satisfies(row -> {
          assertThat(row.path("requests").asLong()).isEqualTo(12);
          assertThat(row.path("connectionRate").asDouble()).isEqualTo(9);
          assertThat(row.path("receivedBytesRate").asLong()).isEqualTo(100);
        });
  }

  @Test
  void whatRoutesLedIsNotToldTwice() {
    List<JsonNode> after =
        reading(
            10,
            requests("shop/v1", NO_ROUTE, 2, Map.of("1000", 10)),
            requests("shop/v1", "HTTPRoute shop/web spec.rules[0]", 2, Map.of("1000", 7)),
            row("shop/v1", NO_ROUTE).put("connections", 4));

    List<JsonNode> rows = Signals.between(List.of(), after, By.route);

    assertThat(rows)
        .extracting(row -> row.path("route").asText() + " " + row.path("requests").asLong())
        .containsExactly("HTTPRoute shop/web spec.rules[0] 7", "- 3");
    assertThat(rows)
        .extracting(row -> row.path("failed").asLong(), row -> row.path("peer").asText())
        .allMatch(values -> values.toList().getLast().equals("shop/catalogue"))
        .extracting(values -> values.toList().getFirst())
        .containsExactly(2L, 0L);
    assertThat(Signals.between(List.of(), after, By.workload).getFirst().path("requests").asLong())
        .isEqualTo(10);
  }

  @Test
  void ofADaemonThatHasStartedSinceAllCounts() {
    List<JsonNode> before = reading(100, requests("shop/v1", NO_ROUTE, 0, Map.of("1000", 50)));
    List<JsonNode> after = reading(2, requests("shop/v1", NO_ROUTE, 0, Map.of("1000", 6)));

    JsonNode row = Signals.between(before, after, By.workload).getFirst();

    assertThat(row.path("requests").asLong()).isEqualTo(6);
    assertThat(row.path("seconds").asDouble()).isEqualTo(2);
    assertThat(Signals.between(before, before, By.workload)).isEmpty();
  }
}
