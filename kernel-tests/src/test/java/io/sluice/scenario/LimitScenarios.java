package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.egress;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.isService;
import static io.sluice.scenario.ScenarioManifests.meshConfig;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.upstream;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.remove;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.RequestLine;
import io.sluice.lab.site.Talk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How much is asked of a Service, or let out to a host: rows of UpstreamTrafficSetting. Each cell
 * has its own pod, or host.
 */
final class LimitScenarios {
  private static final String BUYER = "bookbuyer";
  private static final int CLIENTS = 5;
  private static final int BITS = 1_000_000;
  private static final int AT_ONCE_MILLIS = 5;
  private static final String ONE = "/slow/one";
  private static final String MANY = "/slow/many";

  private static final String CONNECTIONS =
      """
      connectionSettings:
        tcp: {maxConnections: 1}
        http: {maxPendingRequests: 1}
      """;

  /** By the number of the cell; each is one pod. */
  private static final List<String> HOSTS =
      List.of("bookstore-v1", "bookstore-v2", "bookstore-v3", "bookwarehouse");

  private LimitScenarios() {}

  static Stream<Scenario> all() {
    return Stream.of(
        Scenario.of(
            "a service has as many connections as are allowed, and what is beyond is told at once",
            with("http", CONNECTIONS),
            act("five clients", cell -> overflow(cell, HOSTS.get(cell.number()), get(cell, ONE))),
            remove("limits"),
            act(
                "five clients without a limit",
                cell -> assertThat(statuses(cell, get(cell, MANY))).containsOnly(200))),
        Scenario.of(
            "as many connections leave the mesh for a host as the setting of its Egress allows",
            files(
                "limits",
                outside(host -> upstream(host, CONNECTIONS)),
                "egress",
                outside(host -> out(host, "[{kind: UpstreamTrafficSetting, name: " + host + "}]"))),
            act("five clients", cell -> overflow(cell, host(cell.number()), out(cell, ONE))),
            change("egress", outside(host -> out(host, "[]"))),
            act(
                "five clients without a limit",
                cell -> assertThat(statuses(cell, out(cell, MANY))).containsOnly(200))),
        Scenario.of(
            "a pod takes so many requests, of all and of a route",
            with(
                "http",
                """
                rateLimit:
                  local:
                    http:
                      requests: 1
                      unit: minute
                      responseHeadersToAdd: [{name: x-limited, value: 'yes'}]
                httpRoutes:
                - path: /rare.*
                  rateLimit: {local: {requests: 1, unit: minute, responseStatusCode: 503}}
                """),
            act("requests", LimitScenarios::exceed)),
        Scenario.of(
            "a pod takes so many connections of bytes, and so many bits a second",
            with(
                "tcp",
                "rateLimit: {local: {tcp: {connections: 1, unit: minute, bps: %d}}}"
                    .formatted(BITS)),
            act("connections", LimitScenarios::connect)),
        Scenario.of(
            "a service that fails is spared for a while",
            with(
                "http",
                """
                connectionSettings:
                  http:
                    circuitBreaking:
                      minRequestAmount: 10
                      errorRatioThreshold: 0.5
                      degradedTimeWindow: 4s
                      degradedResponseContent: later
                """),
            act("failures", LimitScenarios::fail)));
  }

  private static Map<String, String> with(String protocol, String spec) {
    List<String> settings = new ArrayList<>();
    HOSTS.forEach(host -> settings.add(upstream(host, spec)));
    String[] selectors = {"version: v1", "version: v2", "version: v3", "app: bookwarehouse"};
    List<String> services = new ArrayList<>();
    for (int i = 0; i < selectors.length; i++) {
      services.add(service(HOSTS.get(i), selectors[i], port(80, Nginx.HTTP, protocol)));
    }
    return files(
        MESH_CONFIG,
        meshConfig(true),
        "services",
        String.join("---\n", services),
        "limits",
        String.join("---\n", settings));
  }

  private static Request get(Cell cell, String path) {
    return Request.get("http://" + HOSTS.get(cell.number()) + path);
  }

  /** Each host is the same pod outside, of which a request's own words say which it is. */
  private static String host(int cell) {
    return "bank-" + cell + ".example";
  }

  private static String outside(UnaryOperator<String> manifest) {
    return IntStream.range(0, HOSTS.size())
        .mapToObj(LimitScenarios::host)
        .map(manifest)
        .collect(Collectors.joining("---\n"));
  }

  private static String out(String host, String matches) {
    return egress(
        host,
        BUYER,
        Nginx.HTTP,
        "http",
        "hosts: [%s], ipAddresses: [0.0.0.0/0, '::/0'], matches: %s".formatted(host, matches));
  }

  private static Request out(Cell cell, String path) {
    return Request.get("http://outside:" + Nginx.HTTP + path)
        .header("Host: " + host(cell.number()));
  }

  // --- connections ---------------------------------------------------------------------------

  /** The server says 555 to a second connection that asks while one is served. */
  private static void overflow(Cell cell, String host, Request request) throws Exception {
    double before = count(cell, host);
    List<Integer> statuses = statuses(cell, request);

    long refused = statuses.stream().filter(status -> status == 503).count();
    assertThat(refused).as("%s", statuses).isBetween(1L, (long) CLIENTS - 2);
    assertThat(statuses).filteredOn(status -> status == 200).hasSize(CLIENTS - (int) refused);
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(lines(cell, "outbound", host, ONE))
                .filteredOn(line ->
                    line.status() == 503
                        && line.flags().equals("UO")
                        && line.reason().equals("upstream_overflow"))
                .hasSize((int) refused));
    assertThat(count(cell, host) - before).isGreaterThanOrEqualTo(refused);
  }

  private static List<Integer> statuses(Cell cell, Request request) throws Exception {
    List<Integer> statuses = new ArrayList<>();
    try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
      List<Future<List<Answer>>> answers = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        answers.add(clients.submit(() -> cell.ask(BUYER, List.of(request))));
      }
      for (Future<List<Answer>> answer : answers) {
        statuses.add(answer.get().getFirst().status());
      }
    }
    return statuses;
  }

  private static double count(Cell cell, String host) {
    return cell.calling()
        .metric(
            "istio_requests_total",
            "reporter=\"source\"",
            "source_workload=\"" + cell.client(BUYER).name() + '"',
            "destination_service_name=\"" + (isService(host) ? host : "unknown") + '"',
            "response_flags=\"UO\"");
  }

  private static List<RequestLine> lines(Cell cell, String direction, String path) {
    return lines(cell, direction, HOSTS.get(cell.number()), path);
  }

  private static List<RequestLine> lines(Cell cell, String direction, String host, String path) {
    return (direction.equals("outbound") ? cell.calling() : cell.site().serving())
        .requests().stream()
            .filter(line ->
                line.direction().equals(direction)
                    && line.path().equals(path)
                    && line.authority().equals(host))
            .toList();
  }

  // --- rates ---------------------------------------------------------------------------------

  private static void exceed(Cell cell) {
    assertThat(outcomes(cell, get(cell, "/"), get(cell, "/"))).containsExactly("200", "429");
    assertThat(cell.ask(BUYER, List.of(get(cell, "/").with("include"))).getFirst().body())
        .contains("x-limited: yes");
    assertThat(outcomes(cell, get(cell, "/rare/1"), get(cell, "/rare/2")))
        .containsExactly("200", "503");
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(lines(cell, "inbound", "/"))
                .filteredOn(
                    line -> line.flags().equals("RL") && line.reason().equals("rate_limited"))
                .hasSize(2));
  }

  private static List<String> outcomes(Cell cell, Request... requests) {
    return cell.ask(BUYER, List.of(requests)).stream()
        .map(answer -> answer.outcome().substring(0, 3))
        .toList();
  }

  /** From the first octet of the request to the last of the answer; the rate holds within 5 %. */
  private static void connect(Cell cell) {
    try (Talk talk = Talk.begin(cell.client(BUYER), cell.at(HOSTS.get(cell.number()), 80))) {
      long begin = System.nanoTime();
      talk.send("GET /large HTTP/1.0\r\n\r\n");
      String answer = talk.receive(Integer.MAX_VALUE);
      double seconds = (System.nanoTime() - begin) / 1e9;
      assertThat(answer).startsWith("HTTP/1.1 200").hasSizeGreaterThan(Nginx.LARGE_BYTES);
      assertThat(answer.length() * 8 / seconds).isBetween(BITS * 0.95, BITS * 1.05);
    }
    assertThat(outcomes(cell, get(cell, "/"))).containsExactly("cut");
  }

  // --- failures ------------------------------------------------------------------------------

  private static void fail(Cell cell) {
    assertThat(cell.ask(BUYER, get(cell, "/fail"), 10))
        .extracting(Answer::status)
        .containsOnly(500);

    assertThat(cell.ask(BUYER, get(cell, "/spared"), 100))
        .allSatisfy(answer -> {
          assertThat(answer.status()).isEqualTo(409);
          assertThat(answer.body()).isEqualTo("later");
        });
    assertThat(lines(cell, "inbound", "/spared")).isEmpty();

    Await.until(
        "it is asked again",
        () -> cell.ask(BUYER, List.of(get(cell, "/"))).getFirst().status() == 200);
    assertThat(lines(cell, "inbound", "/spared")).isEmpty();
    assertThat(lines(cell, "outbound", "/spared"))
        .hasSize(100)
        .allSatisfy(line -> {
          assertThat(line.flags()).isEqualTo("UO");
          assertThat(line.reason()).isEqualTo("circuit_open");
        });
    long limit = AtLoad.limit(Duration.ofMillis(AT_ONCE_MILLIS)).toMillis();
    assertThat(lines(cell, "outbound", "/spared"))
        .filteredOn(line -> line.millis() >= limit)
        .as("which took the daemon longer: one in a hundred may have waited for the machine")
        .hasSizeLessThanOrEqualTo(1);
  }
}
