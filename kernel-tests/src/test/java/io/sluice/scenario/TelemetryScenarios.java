package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.mirrors;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.ScenarioManifests.tcp;
import static io.sluice.scenario.ScenarioManifests.tcpRoute;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.remove;
import static io.sluice.scenario.Step.times;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.MetricsPage;
import io.sluice.lab.site.RequestLine;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** What is told of requests: rows of metrics and access log. */
final class TelemetryScenarios {
  private static final String BUYER = "bookbuyer";
  private static final int OK = 200;
  private static final int FORBIDDEN = 403;
  private static final int SERVED = 30;
  private static final int REFUSED = 20;
  private static final int COPIED = 100;
  private static final int LOGGED = 100;

  /**
   * Asked at once, by either family's client of a pod: more than 64 copies on their way are none.
   */
  private static final int COPIED_AT_ONCE = 25;

  static final String TELEMETRY = "telemetry";
  private static final String FORMAT =
      "{\"asked\": \"%REQ(:PATH)%\", \"of\": \"%HOSTNAME%\", \"answered\": \"%RESPONSE_CODE%\"}";

  private TelemetryScenarios() {}

  static Stream<Scenario> all(ScenarioSite site) {
    Counted counted = new Counted();
    return Stream.of(
        Scenario.of(
            "of a namespace that wants bytes connections are counted and no requests",
            files(
                "namespace",
                Manifests.namespace("sluice.io/l7", "off"),
                "service",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
                "route",
                tcpRoute("web", Nginx.HTTP),
                "target",
                target(BUYER, "bookstore-v1", tcp("web"))),
            calls(BUYER, times(SERVED, Request.get("http://bookstore/untold"), "200 v1")),
            act("what is counted", TelemetryScenarios::checkBytes)),
        Scenario.of(
            "every request is counted and logged once on each side",
            files(
                "service",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
                "routes",
                routes("store", "{name: told, pathRegex: '/told.*', methods: [GET]}"),
                "target",
                target(BUYER, "bookstore-v1", http("store"))),
            act("what is counted before", counted::note),
            calls(
                BUYER,
                times(SERVED, Request.get("http://bookstore/told"), "200 v1"),
                times(REFUSED, Request.get("http://bookstore/untold"), "403")),
            act("what is counted", counted::check),
            act("the log", TelemetryScenarios::checkLog)),
        Scenario.of(
            "copies are calls of their mirrors, granted or not, and their callers notice nothing",
            files(
                "services",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, "http"))
                    + "---\n"
                    + service("bookstore-v2", "version: v2", port(80, Nginx.HTTP, "http"))
                    + "---\n"
                    + service("bookwarehouse", "app: bookwarehouse", port(80, Nginx.HTTP, "http")),
                "routes",
                routes("store", "{name: told, pathRegex: '/copied.*', methods: [GET]}"),
                "target",
                target(BUYER, "bookstore-v1", http("store")),
                "target-2",
                target(BUYER, "bookstore-v2", http("store")),
                "mirrors",
                mirrors("bookstore", "bookstore-v2", "bookwarehouse")),
            act("the copies", TelemetryScenarios::checkCopies)),
        new Scenario(
            "a Telemetry says how lines of the pods are written that it selects, and who is sent them",
            granted(),
            List.of(
                change(TELEMETRY, telemetry(site, "{version: v1}", Collector.LOGS_PORT)),
                act("lines as it says", TelemetryScenarios::checkFormatted),
                remove(TELEMETRY),
                act("usual lines again", TelemetryScenarios::checkUsual))),
        new Scenario(
            "lines of all pods go to the collector of the MeshConfig, by TLS, with its secret, within"
                + " a budget",
            granted(),
            List.of(
                change(MESH_CONFIG, remoteLogging(site, "1Mi/day")),
                act("lines that wait", TelemetryScenarios::checkOverBudget),
                change(MESH_CONFIG, remoteLogging(site, "1Ti/day")),
                act("every line", TelemetryScenarios::checkIngested),
                change(MESH_CONFIG, ScenarioManifests.meshConfig(false)),
                act("none", TelemetryScenarios::checkNotIngested))));
  }

  private static String remoteLogging(ScenarioSite site, String budget) {
    return Manifests.meshConfig(
        Map.of(
            "observability",
            """
            {budget: %s, remoteLogging: {enable: true, address: '%s', port: %d, endpoint: %s,
              authorization: %s, tls: {enable: true, caPem: "%s"}}}\
            """
                .formatted(
                    budget,
                    IpAddresses.text(site.address("outside", Family.IPV6)),
                    Collector.INGEST_PORT,
                    Collector.INGEST,
                    Collector.SECRET,
                    Collector.authority().replace("\n", "\\n"))));
  }

  /** A budget begins with nothing: what a line needs comes in an hour. One after the other. */
  private static synchronized void checkOverBudget(Cell cell) {
    String path = ingestedPath(cell);
    cell.ask(BUYER, List.of(Request.get("http://bookstore" + path).times(LOGGED)));
    for (DaemonView view : List.of(cell.calling(), cell.site().serving())) {
      Await.untilPasses(
          Await.PATIENCE,
          () -> {
            MetricsPage page = view.page();
            assertThat(page.metric("sluice_remote_log_lines_waiting"))
                .isGreaterThanOrEqualTo(LOGGED);
            assertThat(page.metric("sluice_telemetry_budget_bytes")).isEqualTo(1 << 20);
          });
    }
    assertThat(cell.site().collector().ingested()).isEmpty();
  }

  private static String ingestedPath(Cell cell) {
    return "/ingested/" + cell.number();
  }

  /** Of what was asked before: the caller's and the server's, from one node or two. */
  private static void checkIngested(Cell cell) {
    String path = ingestedPath(cell);
    for (String reporter : List.of("source", "destination")) {
      Await.until(
          "all lines of the " + reporter + " are there",
          () -> ingested(cell, path, reporter) == LOGGED);
    }
  }

  private static void checkNotIngested(Cell cell) {
    String path = "/not-ingested/" + cell.number();
    cell.ask(BUYER, List.of(Request.get("http://bookstore" + path).times(2)));
    Await.until("both are logged", () -> lines(cell.site().serving(), "inbound", path).size() == 2);
    assertThat(cell.site().collector().ingested())
        .noneMatch(line -> line.path("path").asText().equals(path));
  }

  private static long ingested(Cell cell, String path, String reporter) {
    return cell.site().collector().ingested().stream()
        .filter(line -> line.path("path").asText().equals(path))
        .filter(line -> line.path("reporter").asText().equals(reporter))
        .count();
  }

  private static Map<String, String> granted() {
    return files(
        "service",
        service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
        "routes",
        routes("store", "{name: all, methods: [GET]}"),
        "target",
        target(BUYER, "bookstore-v1", http("store")));
  }

  /** In the mesh's own namespace: others' formats are not those of the node's log. */
  static String telemetry(ScenarioSite site, String selector, int collector) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Telemetry
    metadata: {name: told, namespace: osm-system}
    spec:
      selector: %s
      accessLog:
        format: '%s'
        openTelemetry:
          extensionService: {name: collector, namespace: shop}
          attributes: {site: north, verb: '%%REQ(:METHOD)%%'}
    ---
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: ExtensionService
    metadata: {name: collector, namespace: shop}
    spec: {host: '%s', port: %d, protocol: h2c}
    """
        .formatted(
            selector, FORMAT, IpAddresses.text(site.address("outside", Family.IPV4)), collector);
  }

  /** The server's lines alone: the caller's pod is none of those. */
  private static void checkFormatted(Cell cell) {
    String path = "/formatted/" + cell.number();
    cell.ask(BUYER, List.of(Request.get("http://bookstore" + path).times(LOGGED)));
    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          assertThat(lines(cell.calling(), "outbound", path))
              .hasSize(LOGGED)
              .allSatisfy(TelemetryScenarios::checkFields);
          assertThat(
                  cell.site().serving().accessLog().stream()
                      .filter(line -> line.path("asked").asText().equals(path)))
              .hasSize(LOGGED)
              .allSatisfy(line -> {
                assertThat(line.size()).isEqualTo(3);
                assertThat(line.path("of").asText()).isEqualTo("v1");
                assertThat(line.path("answered").isInt()).isTrue();
                assertThat(line.path("answered").asInt()).isEqualTo(OK);
              });
          assertThat(
                  cell.site().collector().lines().stream()
                      .filter(line -> line.body().contains(path + '"')))
              .hasSize(LOGGED)
              .containsOnly(
                  new Collector.Line(
                      "bookstore-v1.shop",
                      "{\"asked\":\"%s\",\"of\":\"v1\",\"answered\":200}".formatted(path),
                      Map.of("site", "north", "verb", "GET")));
        });
    assertThat(lines(cell.site().serving(), "inbound", path)).isEmpty();
  }

  private static void checkUsual(Cell cell) {
    String path = "/usual/" + cell.number();
    cell.ask(BUYER, List.of(Request.get("http://bookstore" + path)));
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(lines(cell.site().serving(), "inbound", path))
                .singleElement()
                .satisfies(TelemetryScenarios::checkFields));
    assertThat(cell.site().collector().lines()).noneMatch(line -> line.body().contains(path));
  }

  /** Before anything else is asked of the daemons; one after the other. */
  private static synchronized void checkBytes(Cell cell) {
    String buyer = "source_workload=\"" + cell.client(BUYER).name() + '"';
    for (DaemonView view : List.of(cell.calling(), cell.site().serving())) {
      Await.until(
          "connections are counted",
          () -> view.metric("istio_tcp_connections_closed_total", buyer) > 0);
      assertThat(view.metrics().lines())
          .noneMatch(line -> line.startsWith("istio_request") && line.contains(buyer));
    }
  }

  private static void checkCopies(Cell cell) {
    String path = "/copied/" + cell.number();
    List<Request> some = List.of(Request.get("http://bookstore" + path).times(COPIED_AT_ONCE));
    for (int asked = COPIED_AT_ONCE; asked <= COPIED; asked += COPIED_AT_ONCE) {
      assertThat(cell.ask(BUYER, some).stream().map(Answer::outcome)).containsOnly("200 v1");
      int copies = asked;
      Await.untilPasses(Await.PATIENCE, () -> checkCopies(cell, path, copies));
    }
  }

  private static void checkCopies(Cell cell, String path, int copies) {
    List<RequestLine> asked = lines(cell.calling(), "outbound", path);
    assertThat(asked).filteredOn(line -> line.status() == OK).hasSize(2 * copies);
    assertThat(asked)
        .filteredOn(line -> line.server().equals("shop/bookwarehouse"))
        .hasSize(copies)
        .allSatisfy(line -> {
          assertThat(line.status()).isEqualTo(FORBIDDEN);
          assertThat(line.reason()).isEqualTo("no_traffic_target");
        });
    List<RequestLine> served = lines(cell.site().serving(), "inbound", path);
    assertThat(served).hasSize(2 * copies);
    assertThat(served)
        .filteredOn(line -> line.server().equals("shop/v2"))
        .hasSize(copies)
        .allSatisfy(line -> assertThat(line.rule()).isEqualTo("shop/bookbuyer-to-bookstore-v2"));
  }

  /** Of all cells of a client together. */
  private static final class Counted {
    private record Key(Cell cell, String reporter, int code) {}

    private final Map<Key, Double> before = new ConcurrentHashMap<>();

    void note(Cell cell) {
      before.putAll(counts(cell));
    }

    void check(Cell cell) {
      Await.untilPasses(
          Await.PATIENCE,
          () ->
              counts(cell)
                  .forEach((key, count) ->
                      assertThat(count - before.getOrDefault(key, 0.0))
                          .as("%s", key)
                          .isEqualTo(cell.ofItsClients() * expected(key))));
    }

    /** Refused by the client's node already, which knows the policy too. */
    private static int expected(Key key) {
      return key.code() == OK ? SERVED : key.reporter().equals("source") ? REFUSED : 0;
    }

    private static Map<Key, Double> counts(Cell cell) {
      Map<Key, Double> counts = new HashMap<>();
      for (String reporter : List.of("source", "destination")) {
        MetricsPage page =
            (reporter.equals("source") ? cell.calling() : cell.site().serving()).page();
        for (int code : new int[] {OK, FORBIDDEN}) {
          Key key = new Key(cell, reporter, code);
          counts.put(key, count(page, key));
        }
      }
      return counts;
    }

    private static double count(MetricsPage page, Key key) {
      Cell cell = key.cell();
      boolean source = key.reporter().equals("source");
      return page.metric(
          "istio_requests_total",
          "reporter=\"" + key.reporter() + '"',
          "source_workload=\"" + cell.client(BUYER).name() + '"',
          "source_workload_namespace=\"shop\"",
          "source_principal=\"spiffe://cluster.local/ns/shop/sa/bookbuyer\"",
          "destination_workload=\"bookstore\"",
          "destination_principal=\"spiffe://cluster.local/ns/shop/sa/bookstore-v1\"",
          source ? "destination_service_name=\"bookstore\"" : "",
          "request_protocol=\"http\"",
          "response_code=\"" + key.code() + '"',
          "connection_security_policy=\""
              + (cell.near() || key.code() != OK ? "none" : "mutual_tls")
              + '"');
    }
  }

  private static void checkLog(Cell cell) {
    String path = "/told/" + cell.number();
    cell.ask(BUYER, List.of(Request.get("http://bookstore" + path).times(LOGGED)));
    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          assertThat(lines(cell.calling(), "outbound", path)).hasSize(LOGGED);
          assertThat(lines(cell.site().serving(), "inbound", path)).hasSize(LOGGED);
        });
    assertThat(lines(cell.calling(), "outbound", path))
        .allSatisfy(line -> {
          assertThat(line.method()).isEqualTo("GET");
          assertThat(line.authority()).isEqualTo("bookstore");
          assertThat(line.status()).isEqualTo(200);
          assertThat(line.server()).isEqualTo("shop/bookstore");
          checkFields(line);
        });
    assertThat(lines(cell.site().serving(), "inbound", path))
        .allSatisfy(line -> {
          assertThat(line.server()).isEqualTo("shop/v1");
          assertThat(line.sourcePrincipal())
              .isEqualTo("spiffe://cluster.local/ns/shop/sa/bookbuyer");
          assertThat(line.rule()).isEqualTo("shop/bookbuyer-to-bookstore-v1");
          checkFields(line);
        });
  }

  private static void checkFields(RequestLine line) {
    assertThat(line.lacking()).isEmpty();
    assertThat(line.upstreamMillis()).isBetween(0L, line.firstByteMillis());
    assertThat(line.firstByteMillis()).isLessThanOrEqualTo(line.millis());
  }

  private static List<RequestLine> lines(DaemonView view, String direction, String path) {
    return view.requests().stream()
        .filter(line -> line.direction().equals(direction) && line.path().equals(path))
        .toList();
  }
}
