package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.faults;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.meshConfigWithRetries;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.retry;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.ScenarioManifests.timeouts;
import static io.sluice.scenario.ScenarioManifests.upstream;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.remove;
import static io.sluice.scenario.Step.times;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.MetricsPage;
import io.sluice.lab.site.RequestLine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * What callers meet when an application is slow, or fails, or is said to: rows of time limits,
 * further tries and faults on purpose.
 */
final class ResilienceScenarios {
  private static final String BUYER = "bookbuyer";
  private static final Request SLOW = Request.get("http://bookstore" + Nginx.SLOW);
  private static final int TIMES = 3;
  private static final int RETRIES = 5;
  private static final long DELAY_MILLIS = 200;
  private static final long EXTRA_MILLIS = 50;

  private static final String HANGING = "v3";
  private static final int CALLS = 40;

  /** Three pods, over both families. */
  private static final int ENDPOINTS = 6;

  /** Of two seconds each, as the pods' probe says. */
  private static final Duration THREE_INTERVALS = Duration.ofSeconds(6);

  /** Failures in a row after which a pod is ejected. */
  private static final int BORNE = 2;

  private static final String EJECTION =
      """
      connectionSettings:
        http:
          outlierDetection: {consecutive5xxErrors: %d, baseEjectionTime: 10m, maxEjectionTime: 10m}
      """
          .formatted(BORNE);

  private ResilienceScenarios() {}

  static Stream<Scenario> all() {
    return Stream.of(
        Scenario.of(
            "who is not answered within a route's limit gets 504 then, and the log tells so",
            store("route", timeouts("bookstore", "{request: 1s}")),
            calls(
                BUYER,
                times(TIMES, SLOW, "504"),
                times(1, Request.get("http://bookstore/"), "200 v1")),
            act("the log", ResilienceScenarios::checkLimit),
            change("route", timeouts("bookstore", "{request: 9s}")),
            calls(BUYER, times(1, SLOW, "401"))),
        Scenario.of(
            "what fails is tried as often as a Retry says, and once where the flag is off",
            store(
                "retry", retry(BUYER, "bookstore", "{retryOn: 5xx, numRetries: " + RETRIES + "}")),
            act("one try", cell -> checkTries(cell, "off/", 1)),
            change(MESH_CONFIG, meshConfigWithRetries()),
            act("all tries", cell -> checkTries(cell, "on/", 1 + RETRIES)),
            act("what is counted", ResilienceScenarios::checkCounts),
            change("retry", retry(BUYER, "bookstore", "{retryOn: 5xx, perTryTimeout: 1s}")),
            calls(BUYER, times(1, SLOW, "504"))),
        Scenario.of(
            "a FaultInjection answers in a service's place and delays, as long as it is there",
            store(),
            act("nothing is wrong", cell -> checkFaults(cell, "before/", "200 v1", "-", 0)),
            change(
                "faults",
                faults("bookstore", "{abort: {percentage: 100, response: {status: 418}}}")),
            act("it answers", cell -> checkFaults(cell, "abort/", "418", "FI", 0)),
            change(
                "faults",
                faults("bookstore", "{delay: {percentage: 100, min: 200ms, max: 200ms}}")),
            act("it delays", cell -> checkFaults(cell, "delay/", "200 v1", "DI", DELAY_MILLIS)),
            remove("faults"),
            act("nothing is wrong", cell -> checkFaults(cell, "after/", "200 v1", "-", 0))),
        Scenario.inEveryCell(
            "who hangs is left within three intervals of checks, and comes back; no flag, no check",
            replicas(),
            act("nobody asks", ResilienceScenarios::checkUnasked),
            change(
                MESH_CONFIG,
                Manifests.meshConfig(
                    Map.of("featureFlags", "{enableEnvoyActiveHealthChecks: true}"))),
            act("each node asks", ResilienceScenarios::checkAsked),
            act("who hangs is left", ResilienceScenarios::checkHanging),
            act("it comes back", ResilienceScenarios::checkReturn),
            calls(BUYER, times(1, Request.get("http://bookstore" + Nginx.READY), "403"))),
        Scenario.inEveryCell(
            "a pod that fails in a row is not called for a while, where the setting says so",
            replicas("route", timeouts("bookstore", "{request: 200ms}")),
            act("it goes on failing", ResilienceScenarios::checkFailing),
            change("setting", upstream("bookstore", EJECTION)),
            act("it is ejected", ResilienceScenarios::checkEjected),
            // A pod that is well may take longer than that on a busy machine.
            change("route", timeouts("bookstore", "{request: 9s}")),
            act("nobody calls it, though it hangs no more", ResilienceScenarios::checkOthers),
            remove("setting"),
            act(
                "it is called again",
                cell ->
                    assertThat(buy(cell)).extracting(Answer::outcome).contains("200 " + HANGING))));
  }

  private static List<Answer> buy(Cell cell) {
    return cell.ask(BUYER, List.of(Request.get("http://bookstore/buy").once().times(CALLS)));
  }

  private static void checkUnasked(Cell cell) {
    assertThat(buy(cell)).extracting(Answer::outcome).contains("200 " + HANGING);
    assertThat(cell.calling().metric("sluice_proxy_endpoints_checked")).isZero();
    assertThat(cell.site().server(HANGING).checks()).isEmpty();
  }

  private static void checkAsked(Cell cell) {
    Nginx server = cell.site().server(HANGING);
    // Which node's question the application gets is by chance: its answer holds for others a while.
    Await.until(
        "each node asks it over both families",
        () -> {
          buy(cell);
          MetricsPage page = cell.calling().page();
          return page.metric("sluice_proxy_endpoints_checked") == ENDPOINTS
              && page.metric("sluice_proxy_health_checks_total", "result=\"success\"") >= ENDPOINTS
              && !server.checks().isEmpty();
        });
  }

  private static void checkHanging(Cell cell) {
    Nginx server = cell.site().server(HANGING);
    long begin = System.nanoTime();
    server.hang();
    try {
      AtomicLong in = new AtomicLong(begin); // when it was asked last while it was not out
      Await.until(
          "it is out",
          () -> {
            long asked = System.nanoTime();
            boolean isOut = metric(cell, "sluice_proxy_endpoints_out") == 2;
            if (!isOut) {
              in.set(asked);
            }
            return isOut;
          });
      assertThat(Duration.ofNanos(in.get() - begin)).isLessThan(THREE_INTERVALS);
      checkOthers(cell);
    } finally {
      server.goOn();
    }
  }

  private static void checkReturn(Cell cell) {
    Await.until("it is back", () -> metric(cell, "sluice_proxy_endpoints_out") == 0);
    assertThat(buy(cell))
        .hasSize(CALLS)
        .extracting(Answer::outcome)
        .contains("200 " + HANGING)
        .containsOnly("200 v1", "200 v2", "200 v3");
  }

  private static void checkFailing(Cell cell) {
    Nginx server = cell.site().server(HANGING);
    server.hang();
    try {
      List<Answer> answers = new ArrayList<>();
      Await.until(
          "it fails more often than the setting will bear, over both families",
          () -> {
            answers.addAll(buy(cell));
            return answers.stream().filter(each -> each.outcome().equals("504")).count()
                > 2 * BORNE;
          });
      assertThat(metric(cell, "sluice_proxy_endpoints_ejected")).isZero();
    } finally {
      server.goOn();
    }
  }

  private static void checkEjected(Cell cell) {
    Nginx server = cell.site().server(HANGING);
    server.hang();
    try {
      Await.until(
          "it is ejected over both families",
          () -> {
            buy(cell);
            return metric(cell, "sluice_proxy_endpoints_ejected") == 2;
          });
    } finally {
      server.goOn();
    }
  }

  /** Nobody is led to who hangs, or has hung. */
  private static void checkOthers(Cell cell) {
    assertThat(buy(cell))
        .hasSize(CALLS)
        .extracting(Answer::outcome)
        .containsOnly("200 v1", "200 v2");
  }

  private static double metric(Cell cell, String name, String... labels) {
    return cell.calling().metric(name, labels);
  }

  /** A store that the buyer may ask for everything, and these files besides. */
  private static Map<String, String> store(String... namesAndTexts) {
    Map<String, String> files =
        files(
            "service",
            service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
            "routes",
            routes("store", "{name: all, pathRegex: '.*', methods: [GET]}"),
            "target",
            target(BUYER, "bookstore-v1", http("store")));
    files.putAll(files(namesAndTexts));
    return files;
  }

  /** A store of all replicas of which the buyer may buy, and these files besides. */
  private static Map<String, String> replicas(String... namesAndTexts) {
    Map<String, String> files =
        files(
            "service",
            service("bookstore", "app: bookstore", port(80, Nginx.HTTP, "http")),
            "routes",
            routes("store", "{name: buy, pathRegex: '/buy', methods: [GET]}"),
            "target",
            target(BUYER, "bookstore-v1", http("store"))
                + "---\n"
                + target(BUYER, "bookstore-v2", http("store")));
    files.putAll(files(namesAndTexts));
    return files;
  }

  private static void checkFaults(
      Cell cell, String step, String outcome, String flag, long leastMillis) {
    String path = "/" + step + cell.number();
    assertThat(cell.ask(BUYER, List.of(Request.get("http://bookstore" + path).times(TIMES))))
        .extracting(Answer::outcome)
        .hasSize(TIMES)
        .containsOnly(outcome);
    Await.untilPasses(Await.PATIENCE, () -> assertThat(lines(cell, path)).hasSize(TIMES));
    assertThat(lines(cell, path))
        .allSatisfy(line -> {
          assertThat(line.flags()).isEqualTo(flag);
          assertThat(line.route())
              .isEqualTo(flag.equals("-") ? "" : "HTTPRoute shop/bookstore spec.rules[0]");
          assertThat(line.millis()).isGreaterThanOrEqualTo(leastMillis);
        });
    assertThat(lines(cell, path).stream().mapToLong(RequestLine::millis).min().orElse(0))
        .as("others may have waited for the machine")
        .isLessThanOrEqualTo(leastMillis + EXTRA_MILLIS);
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(cell.site().serving().requests())
                .filteredOn(line -> line.direction().equals("inbound") && line.path().equals(path))
                .hasSize(outcome.startsWith("200") ? TIMES : 0));
  }

  private static void checkTries(Cell cell, String step, int tries) {
    String path = Nginx.FAILING + step + cell.number();
    List<Answer> answers = cell.ask(BUYER, List.of(Request.get("http://bookstore" + path)));
    assertThat(answers).extracting(Answer::outcome).containsExactly("503");
    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          assertThat(lines(cell, path))
              .extracting(RequestLine::flags)
              .containsExactly(tries == 1 ? "-" : "URX");
          assertThat(cell.site().serving().requests())
              .filteredOn(line -> line.direction().equals("inbound") && line.path().equals(path))
              .hasSize(tries);
        });
  }

  private static void checkCounts(Cell cell) {
    long cells = cell.ofItsClients();
    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          MetricsPage page = cell.calling().page();
          assertThat(count(page, cell, "retry")).isEqualTo(cells * RETRIES);
          assertThat(count(page, cell, "retry_backoff_exponential")).isEqualTo(cells * RETRIES);
          assertThat(count(page, cell, "retry_limit_exceeded")).isEqualTo(cells);
          assertThat(count(page, cell, "retry_success")).isZero();
        });
  }

  private static double count(MetricsPage page, Cell cell, String event) {
    return page.metric(
        "sluice_proxy_retries_total",
        "pod=\"" + cell.client(BUYER).name() + '"',
        "service=\"bookstore\"",
        "event=\"" + event + '"');
  }

  private static void checkLimit(Cell cell) {
    String path = Nginx.SLOW + cell.number();
    cell.ask(BUYER, List.of(Request.get("http://bookstore" + path).times(TIMES)));
    Await.untilPasses(Await.PATIENCE, () -> assertThat(lines(cell, path)).hasSize(TIMES));
    assertThat(lines(cell, path))
        .allSatisfy(line -> {
          assertThat(line.status()).isEqualTo(504);
          assertThat(line.flags()).isEqualTo("UT");
          assertThat(line.millis()).isGreaterThanOrEqualTo(1_000);
        });
    assertThat(lines(cell, path).stream().mapToLong(RequestLine::millis).min().orElse(0))
        .as("others may have waited for the machine")
        .isLessThanOrEqualTo(1_100);
  }

  private static List<RequestLine> lines(Cell cell, String path) {
    return cell.calling().requests().stream()
        .filter(line -> line.direction().equals("outbound") && line.path().equals(path))
        .toList();
  }
}
