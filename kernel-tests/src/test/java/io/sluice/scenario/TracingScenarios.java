package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.times;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.MetricsPage;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.scenario.Collector.Told;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a collector of spans is told of requests, and what that costs them. */
final class TracingScenarios {
  private static final String BUYER = "bookbuyer";
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";

  /** Of all cells together. */
  private static final int SAMPLED = 5_000;

  private static final int WAITING = 1_024; // of such as have not failed
  private static final int LINES_WAITING = 2_048;
  private static final int BATCH = 256;
  private static final int TIMED = 100;
  private static final int SERIES = 15;
  private static final int ROUNDS = 2;

  /** Each of the three calls, at its two ends. */
  private static final List<String> THREE_HOPS =
      List.of(
          "CLIENT bookbuyer.shop",
          "SERVER bookstore-v1.shop",
          "CLIENT bookstore-v1.shop",
          "SERVER bookstore-v2.shop",
          "CLIENT bookstore-v2.shop",
          "SERVER bookwarehouse.shop");

  private TracingScenarios() {}

  static Stream<Scenario> all(ScenarioSite site) {
    Map<String, String> services =
        files(
            "services",
            service("bookstore", "version: v1", port(80, Nginx.HTTP, "http"))
                + "---\n"
                + service("bookstore-v2", "version: v2", port(80, Nginx.HTTP, "http"))
                + "---\n"
                + service("bookwarehouse", "app: bookwarehouse", port(80, Nginx.HTTP, "http")),
            MESH_CONFIG,
            ScenarioManifests.meshConfig(true));
    Request told =
        Request.get("http://bookstore" + Nginx.TRACED).header("traceparent: 00-not-mine");
    return Stream.of(
        new Scenario(
            "a call over three hops is one trace of six spans, whoever began it",
            services,
            List.of(
                calls(BUYER, times(1, told, "200 00-not-mine,,")),
                change(MESH_CONFIG, reporting(site, Family.IPV4, "sampledFraction: 1")),
                act("the forms of ids for Zipkin", cell -> checkForms(cell, ",,[0-9a-f]{32}")),
                act("what Zipkin is told", cell -> checkHops(cell, "zipkin")),
                change(
                    MESH_CONFIG,
                    reporting(
                        site,
                        Family.IPV6,
                        "protocol: otlp, port: " + Collector.PORT + ", sampledFraction: 1")),
                act(
                    "the forms of ids for OTLP",
                    cell -> checkForms(cell, "00-[0-9a-f]{32}-[0-9a-f]{16}-01,,")),
                act("what OTLP tells", cell -> checkHops(cell, "otlp")))),
        new Scenario(
            "of a tenth of the traces, and of what fails, spans are reported",
            services,
            List.of(
                change(MESH_CONFIG, reporting(site, Family.IPV6, "sampledFraction: 0.1")),
                act("a share", TracingScenarios::askMany),
                act("how many", cell -> once(cell, () -> checkShare(site))))),
        new Scenario(
            "collectors that hang keep no request waiting, and what waits for them has a bound",
            services,
            List.of(act("times", cell -> once(cell, () -> checkHanging(cell))))));
  }

  private static String reporting(ScenarioSite site, Family family, String more) {
    return Manifests.meshConfig(
        Map.of(
            "traffic",
            "{enablePermissiveTrafficPolicyMode: true}",
            "observability",
            "{tracing: {enable: true, address: '%s', %s}}"
                .formatted(IpAddresses.text(site.address("outside", family)), more)));
  }

  @FunctionalInterface
  private interface Check {
    void run() throws Exception;
  }

  private static void once(Cell cell, Check what) throws Exception {
    if (cell.number() == 0) {
      what.run();
    }
  }

  /** The application gets the forms that the client has sent, else that of the collector. */
  private static void checkForms(Cell cell, String begun) {
    Request request = Request.get("http://bookstore" + Nginx.TRACED);
    List<Answer> answers =
        cell.ask(
            BUYER,
            List.of(
                request,
                request.header("traceparent: 00-" + TRACE + "-" + SPAN + "-00"),
                request.header("b3: " + TRACE + "-" + SPAN + "-1")));

    assertThat(answers.get(0).body().strip()).matches(begun);
    assertThat(answers.get(1).body().strip())
        .matches("00-" + TRACE + "-[0-9a-f]{16}-00,,")
        .doesNotContain(SPAN);
    assertThat(answers.get(2).body().strip())
        .matches("," + TRACE + "-[0-9a-f]{16}-1-[0-9a-f]{16},")
        .doesNotContain(SPAN);
  }

  private static void checkHops(Cell cell, String by) {
    Request none = Request.get(hops(cell, by + "-none"));
    Request w3c =
        Request.get(hops(cell, by + "-w3c"))
            .header("traceparent: 00-" + TRACE + "-" + SPAN + "-01");
    Request single = Request.get(hops(cell, by + "-b3")).header("b3: " + TRACE + "-" + SPAN + "-1");
    Request several =
        Request.get(hops(cell, by + "-x-b3"))
            .header("x-b3-traceid: " + TRACE)
            .header("x-b3-spanid: " + SPAN)
            .header("x-b3-sampled: 1");
    Request silent =
        Request.get(hops(cell, by + "-not"))
            .header("traceparent: 00-" + TRACE + "-" + SPAN + "-00");
    assertThat(cell.ask(BUYER, List.of(silent, none, w3c, single, several)))
        .extracting(Answer::outcome)
        .containsOnly("200 warehouse");

    for (String way : List.of("-w3c", "-b3", "-x-b3", "-none")) {
      String end = end(cell, by + way);
      Await.untilPasses(Await.PATIENCE, () -> assertThat(of(cell, end)).hasSize(6));
      List<Told> spans = of(cell, end);
      boolean begun = way.equals("-none");
      assertThat(spans).extracting(Told::trace).containsOnly(spans.getFirst().trace());
      assertThat(spans.getFirst().trace().equals(TRACE)).isNotEqualTo(begun);
      String parent = begun ? "" : SPAN;
      for (String hop : THREE_HOPS) {
        String asks = parent;
        List<Told> found = spans.stream().filter(one -> one.parent().equals(asks)).toList();
        assertThat(found).extracting(one -> one.kind() + " " + one.service()).containsExactly(hop);
        assertThat(found.getFirst().status()).isEqualTo(200);
        assertThat(found.getFirst().failed()).isFalse();
        parent = found.getFirst().id();
      }
    }
    assertThat(of(cell, end(cell, by + "-not"))).as("of what was asked for before").isEmpty();
  }

  /** From the bookstore to its second version to the warehouse. */
  private static String hops(Cell cell, String name) {
    return "http://bookstore"
        + Nginx.VIA
        + IpAddresses.text(cell.address("bookstore-v2"))
        + Nginx.VIA
        + IpAddresses.text(cell.address("bookwarehouse"))
        + end(cell, name);
  }

  private static String end(Cell cell, String name) {
    return "/" + name + cell.number();
  }

  private static List<Told> of(Cell cell, String end) {
    return cell.site().collector().told().stream()
        .filter(span -> span.path().endsWith(end))
        .toList();
  }

  private static void askMany(Cell cell) {
    String to = "http://bookstore";
    int calls = SAMPLED / cell.site().cells().size();
    assertThat(cell.ask(BUYER, List.of(Request.get(to + "/share").times(calls))))
        .hasSize(calls)
        .allSatisfy(answer -> assertThat(answer.outcome()).isEqualTo("200 v1"));
    String failing = Nginx.FAILING + end(cell, "share");
    assertThat(
            cell.ask(
                    BUYER,
                    List.of(
                        Request.get(to + failing)
                            .header("traceparent: 00-" + TRACE + "-" + SPAN + "-00")))
                .getFirst()
                .status())
        .isEqualTo(503);
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(of(cell, end(cell, "share")))
                .hasSize(2)
                .allSatisfy(span -> {
                  assertThat(span.trace()).isEqualTo(TRACE);
                  assertThat(span.failed()).isTrue();
                }));
  }

  /** The spans of what has failed came after them. */
  private static void checkShare(ScenarioSite site) {
    List<Told> spans =
        site.collector().told().stream().filter(span -> span.path().equals("/share")).toList();
    Set<String> clients = traces(spans, "CLIENT");
    assertThat(clients).hasSizeBetween(SAMPLED * 8 / 100, SAMPLED * 12 / 100);
    assertThat(traces(spans, "SERVER")).isEqualTo(clients);
    assertThat(spans).hasSize(2 * clients.size());
  }

  private static Set<String> traces(List<Told> spans, String kind) {
    return spans.stream()
        .filter(span -> span.kind().equals(kind))
        .map(Told::trace)
        .collect(Collectors.toSet());
  }

  /** As fast as it went with them is held against as fast as it went without. */
  private static void checkHanging(Cell cell) throws Exception {
    ScenarioSite site = cell.site();
    Map<String, String> hanging =
        Map.of(
            MESH_CONFIG,
            reporting(site, Family.IPV4, "endpoint: " + Collector.SILENT + ", sampledFraction: 1"),
            TelemetryScenarios.TELEMETRY,
            TelemetryScenarios.telemetry(site, "{}", Collector.SILENT_PORT));
    Map<String, String> noCollector =
        Map.of(MESH_CONFIG, ScenarioManifests.meshConfig(true), TelemetryScenarios.TELEMETRY, "");
    long without = Long.MAX_VALUE;
    long with = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      site.amend(noCollector);
      without = Math.min(without, slowestHundredth(cell));
      Await.until(
          "nothing waits for the collector of the round before",
          () -> site.serving().metric("sluice_access_log_exports_waiting") == 0);
      site.amend(hanging);
      with = Math.min(with, slowestHundredth(cell));
      checkQueue(cell, "sluice_tracing_spans", WAITING);
      checkQueue(cell, "sluice_access_log_exports", LINES_WAITING);
    }
    assertThat(Duration.ofNanos(with - without))
        .as("%d ns with them, %d ns without", with, without)
        .isLessThan(ScenarioRun.isCalm() ? Duration.ofMillis(1) : Duration.ofMillis(100));
  }

  private static void checkQueue(Cell cell, String metric, int most) {
    MetricsPage page = cell.site().serving().page();
    assertThat(page.metric(metric + "_waiting")).isBetween((double) most - BATCH, (double) most);
    assertThat(page.metric(metric + "_total", "outcome=\"dropped\"")).isPositive();
  }

  /** Nanoseconds that a hundredth of the calls takes, or more, in the best of some series. */
  private static long slowestHundredth(Cell cell) throws IOException {
    byte[] request =
        "GET /timed HTTP/1.1\r\nHost: bookstore\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    long best = Long.MAX_VALUE;
    try (SocketChannel channel =
        cell.client(BUYER).call(() -> SocketChannel.open(cell.at("bookstore", 80)))) {
      ByteBuffer answer = ByteBuffer.allocate(4_096);
      for (int series = 0; series < SERIES; series++) {
        long[] times = new long[TIMED];
        for (int i = 0; i < TIMED; i++) {
          long start = System.nanoTime();
          channel.write(ByteBuffer.wrap(request));
          answer.clear();
          do {
            assertThat(channel.read(answer)).isPositive();
          } while (!StandardCharsets.US_ASCII
              .decode(answer.duplicate().flip())
              .toString()
              .endsWith("v1\n"));
          times[i] = System.nanoTime() - start;
        }
        Arrays.sort(times);
        best = Math.min(best, times[TIMED * 99 / 100 - 1]);
      }
    }
    return best;
  }
}
