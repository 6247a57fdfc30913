package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.split;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.ScenarioManifests.tcp;
import static io.sluice.scenario.ScenarioManifests.tcpRoute;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.call;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.shares;
import static io.sluice.scenario.Step.times;
import static io.sluice.scenario.Step.underLoad;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Where requests go: rows of TrafficSplit, and of endpoints. */
final class SplitScenarios {
  private static final String BUYER = "bookbuyer";
  private static final Request ROOT = Request.get("http://bookstore/");

  /** Far more than needed for chance to keep within five points of a share. */
  private static final int MANY = 2_000;

  private SplitScenarios() {}

  static Stream<Scenario> all() {
    return Stream.of(
        Scenario.of(
            "shares are those of the weights, which change under load",
            with(split("bookstore", "", weights(75, 25))),
            shares(BUYER, ROOT, MANY, Map.of("v1", 75, "v2", 25)),
            calls(
                BUYER,
                call("http://bookstore-v1/", "200 v1"),
                call("http://bookstore-v2/", "200 v2")),
            underLoad(
                BUYER,
                ROOT,
                change("split", split("bookstore", "", weights(10, 90))),
                change("split", split("bookstore", "", weights(100, 0))),
                calls(BUYER, times(200, ROOT, "200 v1"))),
            change("split", split("bookstore", "", Map.of("bookstore-v1", 1, "books", 1))),
            calls(BUYER, times(200, ROOT, "200 v1"))),
        Scenario.of(
            "requests that match go to their backend, and the others to the service itself",
            with(
                split("bookstore", "firefox", Map.of("bookstore-v2", 100))
                    + "---\n"
                    + routes("firefox", "{name: agent, headers: [{user-agent: '.*Firefox.*'}]}")),
            calls(
                BUYER,
                times(200, ROOT.header("user-agent: Mozilla/5.0 Firefox/145.0"), "200 v2"),
                times(200, ROOT.header("user-agent: curl/8"), "200 v1"))),
        Scenario.of(
            "a split may lead to another, and a service may be its own backend",
            with(
                split("bookstore", "", Map.of("bookstore", 50, "bookstore-v2", 50))
                    + "---\n"
                    + split("bookstore-v2", "", Map.of("bookstore-v2", 50, "bookstore-v3", 50))),
            shares(BUYER, ROOT, MANY, Map.of("v1", 50, "v2", 25, "v3", 25))),
        Scenario.of(
            "backends may have one account",
            with(split("bookstore", "", Map.of("bookstore-v2", 50, "bookstore-v3", 50))),
            shares(BUYER, ROOT, MANY, Map.of("v1", 0, "v2", 50, "v3", 50))),
        Scenario.of(
            "connections of bytes are split too",
            bytes(),
            shares(BUYER, Request.get("http://plain/").once(), 800, Map.of("v1", 90, "v2", 10))),
        Scenario.of(
            "requests of one connection spread evenly over replicas",
            with(""),
            shares(
                    BUYER,
                    Request.get("http://books:81/").h2(),
                    3 * MANY,
                    Map.of("v1", 33, "v2", 33, "v3", 33))
                .within(3)),
        Scenario.of(
            "who has an affinity stays with one replica, by whatever it calls",
            with("books", "sessionAffinity: ClientIP"),
            act("one pod answers", SplitScenarios::checkOneAnswers)),
        Scenario.of(
            "a Service of the node alone has no replicas for the other",
            with("bookstore", "internalTrafficPolicy: Local"),
            act("pods answer their node", SplitScenarios::checkNodeAnswers)));
  }

  /** With a line more in the spec of a Service. */
  private static Map<String, String> with(String service, String line) {
    Map<String, String> all = with("");
    all.compute(service, (_, yaml) -> yaml + "  " + line + "\n");
    return all;
  }

  private static void checkOneAnswers(Cell cell) {
    Request books = Request.get("http://books:81/").h2();
    List<Answer> answers = new ArrayList<>(cell.ask(BUYER, books, 100));
    for (int i = 0; i < 10; i++) {
      answers.addAll(cell.ask(BUYER, books, 1)); // by a connection of its own
    }
    assertThat(answers).hasSize(110);
    assertThat(answers.stream().map(Answer::outcome).distinct())
        .singleElement(STRING)
        .matches("200 v[123]");
  }

  private static void checkNodeAnswers(Cell cell) {
    assertThat(cell.ask(BUYER, List.of(ROOT.times(10))))
        .hasSize(10)
        .extracting(Answer::outcome)
        .containsOnly(cell.near() ? "200 v1" : "503");
  }

  private static Map<String, Integer> weights(int first, int second) {
    return Map.of("bookstore-v1", first, "bookstore-v2", second);
  }

  private static Map<String, String> with(String split) {
    Map<String, String> all = new HashMap<>(services());
    if (!split.isEmpty()) {
      all.put("split", split);
    }
    return all;
  }

  /** "books" has all pods, on a port that the others do not have. */
  static Map<String, String> services() {
    return files(
        "bookstore",
        service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
        "bookstore-v1",
        service("bookstore-v1", "version: v1", port(80, Nginx.HTTP, "http")),
        "bookstore-v2",
        service("bookstore-v2", "version: v2", port(80, Nginx.HTTP, "http")),
        "bookstore-v3",
        service("bookstore-v3", "version: v3", port(80, Nginx.HTTP, "http")),
        "books",
        service("books", "app: bookstore", port(81, Nginx.H2C, "http2")),
        "routes",
        routes("all", "{name: all}"),
        "target-1",
        target(BUYER, "bookstore-v1", ScenarioManifests.http("all")),
        "target-2",
        target(BUYER, "bookstore-v2", ScenarioManifests.http("all")));
  }

  private static Map<String, String> bytes() {
    return files(
        "plain",
        service("plain", "version: v3", port(80, Nginx.HTTP, "tcp")),
        "bookstore-v1",
        service("bookstore-v1", "version: v1", port(80, Nginx.HTTP, "tcp")),
        "bookstore-v2",
        service("bookstore-v2", "version: v2", port(80, Nginx.HTTP, "tcp")),
        "split",
        split("plain", "", weights(90, 10)),
        "routes",
        tcpRoute("port", Nginx.HTTP),
        "target-1",
        target(BUYER, "bookstore-v1", tcp("port")),
        "target-2",
        target(BUYER, "bookstore-v2", tcp("port")));
  }
}
