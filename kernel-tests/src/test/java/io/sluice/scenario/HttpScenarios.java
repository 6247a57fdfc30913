package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.Step.call;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.remove;
import static io.sluice.scenario.Step.times;

import java.util.List;

/** The table of what is promised of HTTP. */
final class HttpScenarios {
  private static final String BUYER = "bookbuyer";
  private static final String THIEF = "bookthief";

  private HttpScenarios() {}

  static List<Scenario> all() {
    return List.of(
        Scenario.of(
            "a granted path is served, another is 403, another account is cut",
            files(
                "service",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
                "routes",
                routes("store", "{name: books, pathRegex: /books-bought, methods: [GET]}"),
                "target",
                target(BUYER, "bookstore-v1", http("store"))),
            calls(
                BUYER,
                times(50, Request.get("http://bookstore/books-bought"), "200 v1"),
                times(50, Request.get("http://bookstore/other"), "403"),
                call("http://v1:8080/books-bought", "200 v1"),
                call("http://v1:8080/other", "403")),
            calls(THIEF, times(50, Request.get("http://bookstore/books-bought"), "cut")),
            remove("target"),
            calls(BUYER, call("http://bookstore/books-bought", "cut"))));
  }
}
