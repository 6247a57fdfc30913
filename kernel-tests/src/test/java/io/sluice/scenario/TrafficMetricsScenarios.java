package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.split;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.times;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.node.Signals;
import io.sluice.cli.node.Signals.By;
import io.sluice.kernel.LongRun;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RequestLine;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What the API server passes on of SMI's TrafficMetrics, and what can be decided by that alone. */
final class TrafficMetricsScenarios {
  private static final String API =
      "/apis/metrics.smi-spec.io/v1alpha1/namespaces/" + Manifests.NAMESPACE;
  private static final String BUYER = "bookbuyer";

  /** Of each pod, over both families. */
  private static final int GOOD = 90;

  private static final int BAD = 10;

  private static final int FAMILIES = Family.values().length;
  private static final Request FINE = Request.get("http://bookstore/counted");
  private static final Request FAILING = Request.get("http://bookstore" + Nginx.FAILING_IN + "v1");

  private static final String CANARY = "v2";
  private static final int CALLS_BETWEEN = 100;
  private static final int FIRST_WEIGHT = 10;
  private static final int STEP = LongRun.ON ? 10 : 30;
  private static final double LEAST_SUCCESS = 0.99;

  private TrafficMetricsScenarios() {}

  static Stream<Scenario> all() {
    return Stream.of(
        Scenario.inEveryCell(
            "all that counts requests tells the same of 90 good and 10 bad ones",
            SplitScenarios.services(),
            calls(
                BUYER,
                times(GOOD / FAMILIES, FINE, "200 v1"),
                times(BAD / FAMILIES, FAILING, "503")),
            act("what is told", TrafficMetricsScenarios::checkTold)),
        Scenario.of(
            "a canary is promoted while it answers, and given up when it does not, by that alone",
            SplitScenarios.services(),
            act("the canary", TrafficMetricsScenarios::checkCanary)));
  }

  /** Of either client, whatever family it called by. */
  private static void checkTold(Cell cell) {
    if (cell.family() != Family.IPV4) {
      return;
    }
    ScenarioSite site = cell.site();
    SitePod client = cell.client(BUYER);
    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          JsonNode sent = edge(site, client.name(), "to", "v1");
          assertCounts(sent, GOOD, BAD);
          assertCounts(edge(site, "v1", "from", client.name()), GOOD, BAD);
          for (String served : List.of("/pods/v1", "/deployments/v1", "/services/bookstore", "")) {
            assertCounts(site.found(API + served), 2 * GOOD, 2 * BAD);
          }
          checkAlike(cell, client, sent);
        });
    assertThat(site.found(API + "/pods/v1").path("window").asText()).isEqualTo("30s");
    assertThat(items(site.found(API + "/pods?labelSelector=version%3Dv1")))
        .extracting(item -> item.at("/resource/name").asText())
        .containsExactly("v1");
    assertThat(site.found(API + "/pods/nobody").path("code").asInt()).isEqualTo(404);
    assertThat(site.found(API + "/pods/outside").path("code").asInt()).isEqualTo(404);
  }

  /** The daemon's own page and command, and the log. */
  private static void checkAlike(Cell cell, SitePod client, JsonNode sent) {
    Map.of("200", GOOD, "503", BAD)
        .forEach((code, count) ->
            assertThat(
                    cell.calling()
                        .metric(
                            "istio_requests_total",
                            "reporter=\"source\"",
                            "source_workload=\"" + client.name() + '"',
                            "response_code=\"" + code + '"'))
                .isEqualTo(count.doubleValue()));
    JsonNode row =
        Signals.between(List.of(), cell.calling().ask("stat"), By.edge).stream()
            .filter(each -> each.path("workload").asText().equals(client.meshName()))
            .filter(each -> each.path("direction").asText().equals("outbound"))
            .findFirst()
            .orElseThrow();
    assertThat(row.path("requests").asInt()).isEqualTo(GOOD + BAD);
    assertThat(row.path("failed").asInt()).isEqualTo(BAD);
    for (String share : List.of("p50", "p99")) {
      assertThat(seconds(sent, share + "_response_latency") * 1_000)
          .isPositive()
          .isCloseTo(row.path(share + "Millis").asDouble(), within(0.006));
    }
    List<RequestLine> lines =
        cell.calling().requests().stream()
            .filter(line -> line.direction().equals("outbound"))
            .filter(line -> line.source().equals(client.meshName()))
            .toList();
    assertThat(lines).hasSize(GOOD + BAD);
    assertThat(lines).filteredOn(line -> line.status() != 200).hasSize(BAD);
  }

  private static JsonNode edge(ScenarioSite site, String pod, String direction, String peer) {
    return items(site.found(API + "/pods/" + pod + "/edges"))
        .filter(item -> item.at("/edge/direction").asText().equals(direction))
        .filter(item -> item.at("/edge/resource/name").asText().equals(peer))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no edge " + pod + " " + direction + " " + peer));
  }

  private static Stream<JsonNode> items(JsonNode list) {
    return StreamSupport.stream(list.path("items").spliterator(), false);
  }

  private static void assertCounts(JsonNode object, int good, int bad) {
    assertThat(List.of(metric(object, "success_count"), metric(object, "failure_count")))
        .as("%s", object)
        .containsExactly(Integer.toString(good), Integer.toString(bad));
  }

  private static String metric(JsonNode object, String name) {
    return StreamSupport.stream(object.path("metrics").spliterator(), false)
        .filter(metric -> metric.path("name").asText().equals(name))
        .findFirst()
        .map(metric -> metric.path("value").asText())
        .orElseThrow(() -> new AssertionError("no " + name + " in " + object));
  }

  private static double seconds(JsonNode object, String name) {
    String value = metric(object, name);
    double number = Double.parseDouble(value.substring(0, value.length() - 1));
    return number / (value.endsWith("m") ? 1e3 : 1e6);
  }

  // --- the canary ----------------------------------------------------------------------------

  /** One at a time, and by one account: what is decided there is decided for all. */
  private static void checkCanary(Cell cell) {
    if (cell.number() > 0) {
      return;
    }
    Request fine = Request.get("http://bookstore/");
    shift(cell, FIRST_WEIGHT);
    cell.ask(BUYER, List.of(fine.times(CALLS_BETWEEN)));
    Await.untilPasses(Await.PATIENCE, () -> assertThat(asked(cell)).isEqualTo(CALLS_BETWEEN));
    assertThat(lead(cell, fine)).isEqualTo(100);
    assertThat(weights(cell)).containsExactly("bookstore-v1 0", "bookstore-v2 100");

    int given = lead(cell, Request.get("http://bookstore" + Nginx.FAILING_IN + CANARY));

    assertThat(given)
        .as("weight at which it was given up")
        .isBetween(FIRST_WEIGHT, FIRST_WEIGHT + STEP);
    assertThat(weights(cell)).containsExactly("bookstore-v1 100", "bookstore-v2 0");
    assertThat(cell.ask(BUYER, List.of(fine.times(20))))
        .extracting(Answer::outcome)
        .containsOnly("200 v1");
  }

  /**
   * As Flagger does: more in each step, as long as enough of what the canary was asked has
   * succeeded; else everything back.
   *
   * @return the last weight that the canary had
   */
  private static int lead(Cell cell, Request request) {
    for (int weight = FIRST_WEIGHT; weight <= 100; weight += STEP) {
      shift(cell, weight);
      cell.ask(BUYER, List.of(request.times(CALLS_BETWEEN)));
      Await.until("the canary was asked", () -> told(cell).all() > 0);
      Told told = told(cell);
      if (told.bad > (1 - LEAST_SUCCESS) * told.all()) {
        shift(cell, 0);
        return weight;
      }
    }
    return 100;
  }

  private record Told(int good, int bad) {
    static Told of(JsonNode object) {
      return new Told(
          Integer.parseInt(metric(object, "success_count")),
          Integer.parseInt(metric(object, "failure_count")));
    }

    int all() {
      return good + bad;
    }
  }

  private static Told told(Cell cell) {
    return Told.of(cell.site().found(API + "/deployments/" + CANARY));
  }

  private static void shift(Cell cell, int weight) {
    Map<String, Integer> weights = Map.of("bookstore-v1", 100 - weight, "bookstore-v2", weight);
    cell.site().amend(Map.of("split", split("bookstore", "", weights)));
  }

  /** By the split, as those who called saw it. */
  private static int asked(Cell cell) {
    return items(cell.site().found(API + "/trafficsplits/bookstore-split"))
        .mapToInt(item -> Told.of(item).all())
        .sum();
  }

  private static List<String> weights(Cell cell) {
    return items(cell.site().found(API + "/trafficsplits/bookstore-split"))
        .map(item -> item.at("/backend/name").asText() + " " + item.at("/backend/weight").asInt())
        .toList();
  }
}
