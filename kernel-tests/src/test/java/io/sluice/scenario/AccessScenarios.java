package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.meshConfig;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.ScenarioManifests.tcp;
import static io.sluice.scenario.ScenarioManifests.tcpRoute;
import static io.sluice.scenario.Step.call;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.remove;
import static io.sluice.scenario.Step.times;
import static io.sluice.scenario.Step.underLoad;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Who may ask what: rows of TrafficTarget, HTTPRouteGroup and TCPRoute. */
final class AccessScenarios {
  private static final String BUYER = "bookbuyer";
  private static final String THIEF = "bookthief";
  private static final int TRIES = 50;

  private static final String ROUTES =
      routes("store", "{name: books, pathRegex: /books-bought, methods: [GET]}");
  private static final String TARGET = target(BUYER, "bookstore-v1", http("store"));
  private static final Request BOOKS = Request.get("http://bookstore/books-bought");

  private AccessScenarios() {}

  static Stream<Scenario> all() {
    return Stream.of(
        Scenario.of(
            "a granted path is served, another is 403, another account is cut",
            store("http"),
            calls(
                BUYER,
                times(TRIES, BOOKS, "200 v1"),
                times(TRIES, Request.get("http://bookstore/other"), "403"),
                call("http://v1:8080/books-bought", "200 v1"),
                call("http://v1:8080/other", "403")),
            calls(THIEF, times(TRIES, BOOKS, "cut")),
            remove("target"),
            calls(BUYER, times(TRIES, BOOKS, "cut"))),
        Scenario.of(
            "path, method and headers decide, and neither body nor query",
            files(
                "service",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
                "routes",
                routes(
                    "store",
                    "{name: book, pathRegex: '/books/[0-9]+', methods: [GET],"
                        + " headers: [{x-client: 'buy.*'}]}",
                    "{name: open, pathRegex: /open, methods: ['*']}"),
                "target",
                target(BUYER, "bookstore-v1", http("store"))),
            new Step.Calls(BUYER, matrix()),
            new Step.Calls(BUYER, mixed()),
            calls(
                BUYER,
                call(
                    Request.get("http://bookstore/books/12?open").header("x-client: buyer"),
                    "200 v1"),
                call(Request.get("http://bookstore/books/12").header("x-client: thief"), "403"),
                call("http://bookstore/open?books/12", "200 v1"),
                call("http://bookstore/other?a=/open", "403"),
                call("http://bookstore/at/open", "403"),
                call(Request.of("POST", "http://bookstore/open").body("GET /books/12"), "200 v1"),
                call(Request.of("POST", "http://bookstore/other").body("POST /open"), "403"),
                call(
                    Request.get("http://bookstore/other").header("x-rewrite-path: /open"), "403"))),
        Scenario.of(
            "a TCPRoute beside routes says on which port, and alone grants every request of it",
            files(
                "service",
                service(
                    "bookstore",
                    "version: v1",
                    port(80, Nginx.HTTP, "http"),
                    port(81, Nginx.H2C, "http2")),
                "routes",
                ROUTES + "---\n" + tcpRoute("port", Nginx.HTTP),
                "target",
                target(BUYER, "bookstore-v1", http("store"), tcp("port"))),
            calls(
                BUYER,
                call(BOOKS, "200 v1"),
                call("http://bookstore/other", "403"),
                call(Request.get("http://bookstore:81/books-bought").h2(), "cut")),
            change("target", target(BUYER, "bookstore-v1", tcp("port"))),
            calls(BUYER, call("http://bookstore/other", "200 v1")),
            calls(THIEF, call(BOOKS, "cut"))),
        Scenario.of(
            "who is granted requests alone cannot send bytes",
            store("tcp"),
            calls(BUYER, call(BOOKS, "cut"), call("http://bookstore/other", "cut")),
            new Step.Change(
                files(
                    "routes",
                    tcpRoute("port", Nginx.HTTP),
                    "target",
                    target(BUYER, "bookstore-v1", tcp("port")))),
            calls(BUYER, call(BOOKS, "200 v1"), call("http://bookstore/other", "200 v1"))),
        Scenario.of(
            "a port of no declared protocol is decided by request where requests are granted",
            store(""),
            calls(BUYER, call(BOOKS, "200 v1"), call("http://bookstore/other", "403")),
            calls(THIEF, call(BOOKS, "cut"))),
        switches(
            "permissive mode and rules of HTTP take turns, and the last costs no call", "http"),
        switches(
            "permissive mode and rules of HTTP take turns on an undeclared port, and no call is lost",
            ""));
  }

  private static Map<String, String> store(String appProtocol) {
    return files(
        "service",
        service("bookstore", "version: v1", port(80, Nginx.HTTP, appProtocol)),
        "routes",
        ROUTES,
        "target",
        TARGET);
  }

  /** Three paths, two methods, with and without the header. */
  private static List<Step.Call> matrix() {
    return Stream.of("/books/12", "/books/12/pages", "/open")
        .flatMap(path ->
            Stream.of("GET", "POST")
                .flatMap(method ->
                    Stream.of("x-client: buyer", "x-other: buyer")
                        .map(header -> {
                          boolean granted =
                              path.equals("/open")
                                  || (path.equals("/books/12")
                                      && method.equals("GET")
                                      && header.startsWith("x-client"));
                          return call(
                              Request.of(method, "http://bookstore" + path).header(header),
                              granted ? "200 v1" : "403");
                        })))
        .toList();
  }

  /** Many over one connection, of which each goes its own way. */
  private static List<Step.Call> mixed() {
    return Stream.generate(() ->
            Stream.of(
                call("http://bookstore/open", "200 v1"),
                call(Request.of("POST", "http://bookstore/other").body("one"), "403"),
                call(Request.of("POST", "http://bookstore/open").body("another"), "200 v1")))
        .limit(TRIES)
        .flatMap(calls -> calls)
        .toList();
  }

  private static Map<String, String> grant() {
    return files("routes", ROUTES, "target", TARGET);
  }

  /** Without a rule, permissive, and so again; then by rules. */
  private static Scenario switches(String name, String appProtocol) {
    Step refused = calls(BUYER, call(BOOKS, "cut"));
    Step served = calls(BUYER, call(BOOKS, "200 v1"));
    Step permissive = change(MESH_CONFIG, meshConfig(true));
    Step strict = change(MESH_CONFIG, meshConfig(false));
    return Scenario.of(
        name,
        files("service", service("bookstore", "version: v1", port(80, Nginx.HTTP, appProtocol))),
        refused,
        permissive,
        served,
        strict,
        refused,
        permissive,
        served,
        underLoad(BUYER, BOOKS, new Step.Change(grant()), strict),
        served,
        calls(THIEF, call(BOOKS, "cut")),
        calls(BUYER, call("http://bookstore/other", "403")));
  }
}
