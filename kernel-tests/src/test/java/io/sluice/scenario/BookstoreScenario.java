package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.split;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.Step.call;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.shares;

import java.util.Map;
import java.util.stream.Stream;

/**
 * The demonstration that users of OSM know: a buyer, a thief, a bookstore in two versions and its
 * warehouse, by objects of the same names and shape.
 */
final class BookstoreScenario {
  private static final String BUYER = "bookbuyer";
  private static final String THIEF = "bookthief";
  private static final String STORE = "bookstore-v1";
  private static final Request BOUGHT =
      Request.get("http://bookstore/books-bought")
          .header("user-agent: Go-http-client/1.1")
          .header("client-app: bookbuyer");
  private static final Request BUY = Request.get("http://bookstore/buy-a-book/new");
  private static final Request RESTOCK =
      Request.of("POST", "http://bookwarehouse/").header("host: bookwarehouse.shop");
  private static final String GROUP = "bookstore-service-routes";

  private BookstoreScenario() {}

  static Stream<Scenario> row() {
    return Stream.of(
        Scenario.of(
            "the bookstore of OSM behaves as documented",
            manifests(),
            calls(
                BUYER,
                call(BOUGHT, "200 v1"),
                call(BUY, "200 v1"),
                call("http://bookstore/books-bought", "403"),
                call(Request.of("POST", "http://bookstore/update-books-bought"), "403"),
                call(RESTOCK, "cut")),
            calls(THIEF, call(BOUGHT, "cut"), call(BUY, "cut")),
            calls(
                STORE,
                call(RESTOCK, "200 warehouse"),
                call(Request.of("POST", "http://bookwarehouse/").header("host: elsewhere"), "403")),
            change(
                "thief", target(THIEF, "bookstore-v1", http(GROUP, "buy-a-book", "books-bought"))),
            calls(THIEF, call(BUY, "200 v1")),
            change(
                "bookstore-split",
                split("bookstore", "", Map.of("bookstore", 50, "bookstore-v2", 50))),
            shares(BUYER, BUY, 2_000, Map.of("v1", 50, "v2", 50)),
            change(
                "bookstore-split",
                split("bookstore", "", Map.of("bookstore", 0, "bookstore-v2", 100))),
            calls(BUYER, call(BOUGHT, "200 v2"), call(BUY, "200 v2")),
            calls(THIEF, call(BUY, "cut"))));
  }

  private static Map<String, String> manifests() {
    return files(
        "bookstore",
        service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
        "bookstore-v2",
        service("bookstore-v2", "version: v2", port(80, Nginx.HTTP, "http")),
        "bookwarehouse",
        service("bookwarehouse", "app: bookwarehouse", port(80, Nginx.HTTP, "http")),
        GROUP,
        routes(
            GROUP,
            "{name: books-bought, pathRegex: /books-bought, methods: [GET],"
                + " headers: [{user-agent: '.*-http-client/*.*'}, {client-app: bookbuyer}]}",
            "{name: buy-a-book, pathRegex: '.*a-book.*new', methods: [GET]}",
            "{name: update-books-bought, pathRegex: /update-books-bought, methods: [POST]}"),
        "bookwarehouse-service-routes",
        routes(
            "bookwarehouse-service-routes",
            "{name: restock-books, methods: [POST], headers: [{host: bookwarehouse.shop}]}"),
        "buyer",
        target(BUYER, "bookstore-v1", http(GROUP, "buy-a-book", "books-bought")),
        "buyer-v2",
        target(BUYER, "bookstore-v2", http(GROUP, "buy-a-book", "books-bought")),
        "store",
        target(STORE, "bookwarehouse", http("bookwarehouse-service-routes")));
  }
}
