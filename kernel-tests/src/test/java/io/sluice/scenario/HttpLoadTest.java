package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.ScenarioManifests.tcp;
import static io.sluice.scenario.ScenarioManifests.tcpRoute;
import static io.sluice.scenario.ScenarioManifests.upstream;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.sluice.await.AtLoad;
import io.sluice.cli.SluiceCommand;
import io.sluice.cli.node.Signals;
import io.sluice.cli.node.Signals.By;
import io.sluice.dashboard.Browser;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.AtOnce;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.MetricsPage;
import io.sluice.lab.site.RequestLine;
import io.sluice.lab.site.Site;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Much HTTP at once, through one site. */
@Order(11)
@Tag("kernel")
class HttpLoadTest {
  private static final String BUYER = "bookbuyer";
  private static final int HTTP1_PORT = 90;
  private static final int HTTP2_PORT = 91;
  private static final int GRPC_PORT = 92;
  private static final int GRPC_TLS_PORT = 93;
  private static final int CALLS = 20;

  /** Whatever else this machine does. */
  private static final String[] DRAIN = {"--drain-seconds", "120"};

  private static final int UPLOADS = 100;
  private static final long MOST_KIB = 160 << 10;
  private static final long MOST_GROWTH_KIB = 24 << 10;
  private static final long LOOK_MILLIS = 50;
  private static final int SPREAD_CALLS = 3_000;
  private static final int SHARE = SPREAD_CALLS / 3;

  private static final int LONG_SOCKETS = 1_000;
  private static final Duration PING_INTERVAL =
      Duration.ofMillis(Long.getLong("sluice.sockets.interval", 30_000));
  private static final int PINGS = 60; // half an hour

  /** Renewed about twice meanwhile, the second time by another root. */
  private static final Duration LEAF_LIFETIME = PING_INTERVAL.multipliedBy(40);

  private static final int TIMED = 1_000;
  private static final int TIMED_CALLERS = 20;
  private static final int SLOW = TIMED / 20;
  private static final int FAILED = TIMED / 10;
  private static final String NOT_GRANTED = "/told/nowhere";
  private static final int QUICK = 10; // milliseconds, as all of these
  private static final int MIDDLE = 1_000;
  private static final int LONGEST = 2_500;
  private static final List<Integer> LIMITS =
      List.of(100, 250, 500, MIDDLE, LONGEST, 5_000, 10_000);

  @AutoClose("shutdownGracefully")
  private static final EventLoopGroup GROUP =
      new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());

  private static final WebSockets SOCKETS = new WebSockets(BUYER, "v1");
  @AutoClose private static ScenarioSite site;
  private static final List<EchoServer> servers = new ArrayList<>();
  private static final List<GrpcShop> shops = new ArrayList<>();

  @BeforeAll
  static void openSite() throws IOException {
    site =
        ScenarioSite.open(
            List.of(Mechanism.EBPF, Mechanism.EBPF),
            Setting::folder,
            List.of("--leaf-lifetime", LEAF_LIFETIME.toSeconds() + "s"),
            DRAIN);
    for (String pod : List.of("v1", "v2", "v3")) {
      servers.add(new EchoServer(GROUP, site.pod(pod)));
      shops.add(new GrpcShop(GROUP, site.pod(pod), site.directory()));
    }
    site.apply(
        files(
            "bookstore",
            service(
                "bookstore",
                "version: v1",
                port(HTTP1_PORT, EchoServer.HTTP1, "http"),
                port(HTTP2_PORT, EchoServer.HTTP2, "http2"),
                SOCKETS.ports()),
            "books",
            service(
                "books",
                "app: bookstore",
                port(HTTP1_PORT, EchoServer.HTTP1, "http"),
                port(HTTP2_PORT, EchoServer.HTTP2, "http2"),
                port(GRPC_PORT, GrpcShop.PORT, "grpc"),
                port(GRPC_TLS_PORT, GrpcShop.TLS_PORT, "https")),
            "bytes",
            tcpRoute("bytes", GrpcShop.TLS_PORT),
            "bytes-1",
            bytesTo("bookstore-v1"),
            "bytes-2",
            bytesTo("bookstore-v2"),
            "routes",
            routes(
                "store",
                "{name: load, pathRegex: '/load/.*', methods: [GET, HEAD, POST]}",
                "{name: socket, pathRegex: /socket, methods: [GET]}",
                "{name: grpc, pathRegex: '/shop.Store/[^S].*|/shop.Store/Spell'}"),
            "target-1",
            target(BUYER, "bookstore-v1", http("store")),
            "target-2",
            target(BUYER, "bookstore-v2", http("store"))));
  }

  /** A target of its own: of one with both kinds of routes the requests are for those ports. */
  private static String bytesTo(String account) {
    return target(BUYER, account, tcp("bytes")).replace("{name: ", "{name: bytes-");
  }

  @AfterAll
  static void closeServers() {
    shops.forEach(GrpcShop::close);
    servers.forEach(EchoServer::close);
  }

  private static ClientConnection connect(Cell cell, boolean http2) {
    return connect(cell, "bookstore", http2);
  }

  private static ClientConnection connect(Cell cell, String service, boolean http2) {
    return ClientConnection.open(
        GROUP, cell.client(BUYER), cell.at(service, http2 ? HTTP2_PORT : HTTP1_PORT), http2);
  }

  private static int held() {
    return servers.stream().mapToInt(EchoServer::held).sum();
  }

  // --- one daemon after another --------------------------------------------------------------

  @Test
  void aDaemonIsReplacedInTheMidstOfRequestsAndTheNextKnowsWhatWasTakenAndWhoIsSpared()
      throws IOException {
    replaceInTurn(Mechanism.IPTABLES);
  }

  @Tag("long")
  @Test
  void itIsBetweenAllMechanisms() throws IOException {
    replaceInTurn(Mechanism.EBPF, Mechanism.IPTABLES, Mechanism.IPTABLES, Mechanism.EBPF);
  }

  /** The callers' daemon by one, then the servers' by one of each. */
  private static void replaceInTurn(Mechanism... servers) throws IOException {
    List<HttpCallers> callers = new ArrayList<>();
    Cell limited = new Cell(site, false, Family.IPV4);
    try {
      beginLimits(limited);
      for (Cell cell : site.cells()) {
        for (boolean http2 : new boolean[] {false, true}) {
          callers.add(
              new HttpCallers(
                  GROUP,
                  cell.client(BUYER),
                  cell.at("bookstore", http2 ? HTTP2_PORT : HTTP1_PORT),
                  http2,
                  (http2 ? "HTTP/2 " : "HTTP/1.1 ") + cell));
        }
      }
      replace(false, Mechanism.EBPF, callers);
      for (Mechanism next : servers) {
        replace(true, next, callers);
      }
      assertThat(statuses(limited, "bookstore-v2/", 2)).containsOnly(429);
      assertThat(statuses(limited, "bookstore-v3/", 2)).containsOnly(409);
    } finally {
      callers.forEach(HttpCallers::close);
      endLimits();
    }
    assertThat(callers)
        .allSatisfy(one ->
            assertThat(one.farewells().keySet())
                .isSubsetOf(
                    ClientConnection.Farewell.NONE,
                    ClientConnection.Farewell.CLOSE_HEADER,
                    ClientConnection.Farewell.GO_AWAY));
  }

  /** Services of which one has no requests left, and the other is spared. */
  private static void beginLimits(Cell cell) {
    String ports = port(80, Nginx.HTTP, "http");
    site.amend(
        files(
            "target-2",
            target(BUYER, "bookstore-v2", http("store"), http("any")),
            "any",
            routes("any", "{name: any}"),
            "limits",
            String.join(
                "---\n",
                service("bookstore-v2", "version: v2", ports),
                upstream("bookstore-v2", "rateLimit: {local: {http: {requests: 2, unit: hour}}}"),
                service("bookstore-v3", "version: v3", ports),
                upstream(
                    "bookstore-v3",
                    "connectionSettings: {http: {circuitBreaking: {minRequestAmount: 5,"
                        + " errorRatioThreshold: 0.5, degradedTimeWindow: 300s}}}"))));
    assertThat(statuses(cell, "bookstore-v2/", 3)).containsExactly(200, 200, 429);
    assertThat(statuses(cell, "bookstore-v3/fail", 6)).endsWith(500, 409);
  }

  private static void endLimits() {
    site.amend(
        files("target-2", target(BUYER, "bookstore-v2", http("store")), "any", "", "limits", ""));
  }

  private static List<Integer> statuses(Cell cell, String target, int times) {
    return cell.ask(BUYER, Request.get("http://" + target), times).stream()
        .map(Answer::status)
        .toList();
  }

  private static void replace(boolean serving, Mechanism next, List<HttpCallers> callers)
      throws IOException {
    awaitAnswers(callers);
    Site node = site.node(serving);
    DaemonProcess before = node.daemon();
    List<ClientConnection> connections = new ArrayList<>();
    List<Ask> asks = new ArrayList<>();
    List<CompletableFuture<Reply>> replies = new ArrayList<>();
    for (Cell cell : site.cells()) {
      SOCKETS.open(cell);
      for (boolean http2 : new boolean[] {false, true}) {
        ClientConnection connection = connect(cell, http2);
        Ask ask = Ask.get(EchoServer.TRICKLED, "trickled in " + cell, 1 << 20);
        connections.add(connection);
        asks.add(ask);
        replies.add(connection.begin(ask));
      }
    }
    Await.until("answers have begun", () -> held() == asks.size());

    node.succeedDaemonWith(next.arguments(DRAIN)).start();
    awaitAnswers(callers);
    site.cells().forEach(SOCKETS::exchange);
    before.terminate();
    awaitAnswers(callers);
    site.cells().forEach(SOCKETS::exchange);
    servers.forEach(EchoServer::letGo);
    for (int i = 0; i < asks.size(); i++) {
      ClientConnection.await(replies.get(i)).answers(asks.get(i));
    }
    connections.forEach(ClientConnection::close);
    site.cells().forEach(SOCKETS::close);
    before.awaitEnd();
    awaitAnswers(callers);
    assertThat(callers).as("to %s", next).allSatisfy(one -> assertThat(one.failed()).isEmpty());
  }

  private static void awaitAnswers(List<HttpCallers> callers) {
    List<Long> before = callers.stream().map(HttpCallers::answered).toList();
    Await.until(
        "everybody is answered",
        () -> {
          for (int i = 0; i < callers.size(); i++) {
            if (callers.get(i).answered() < before.get(i) + CALLS) {
              return false;
            }
          }
          return true;
        });
  }

  // --- long sockets --------------------------------------------------------------------------

  /** Certificates are renewed, below another root too, and a policy comes that concerns nobody. */
  @Test
  @Tag("long")
  @Timeout(value = 45, unit = TimeUnit.MINUTES)
  void aThousandSocketsStayOpenForHalfAnHourWithAPingEachHalfMinute() {
    try {
      site.cells().forEach(cell -> SOCKETS.open(cell, LONG_SOCKETS / site.cells().size()));
      String root = site.rootOf(BUYER);
      long begin = System.nanoTime();
      for (int ping = 1; ping <= PINGS; ping++) {
        long due = begin + PING_INTERVAL.multipliedBy(ping).toNanos();
        Await.until(
            "the next ping is due", PING_INTERVAL.multipliedBy(2), () -> System.nanoTime() > due);
        site.cells().forEach(SOCKETS::exchange);
        if (ping == PINGS / 3) {
          site.rotateRoot();
        } else if (ping == PINGS * 2 / 3) {
          site.amend(files("target-3", target("bookthief", "bookstore-v1", http("store"))));
        }
      }
      assertThat(site.rootOf(BUYER)).isNotEqualTo(root);
    } finally {
      site.cells().forEach(SOCKETS::close);
      site.amend(files("target-3", ""));
    }
  }

  // --- each kind of request ------------------------------------------------------------------

  private record Kind(boolean near, String reporter, String protocol, String code) {}

  @Test
  void eachOfThousandsOfRequestsHasItsOwnAnswerAndIsCountedOnce() throws Exception {
    Map<Kind, Double> before = counts();
    Map<Kind, Double> expected = new HashMap<>();
    before.forEach((kind, count) ->
        expected.put(
            kind,
            count + Family.values().length * MixedRequests.count(kind.protocol(), kind.code())));
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<Future<?>> running = new ArrayList<>();
      for (Cell cell : site.cells()) {
        MixedRequests mixed = new MixedRequests(cell, http2 -> connect(cell, http2));
        running.add(
            threads.submit(() -> {
              mixed.oneByOne();
              mixed.pipelined();
              mixed.multiplexed();
              for (int i = 0; i < MixedRequests.WEB_SOCKETS; i++) {
                SOCKETS.open(cell);
                SOCKETS.exchange(cell);
                SOCKETS.close(cell);
              }
              return true;
            }));
        running.add(
            threads.submit(() -> {
              try (GrpcCalls calls = new GrpcCalls(GROUP, cell, BUYER, GRPC_PORT)) {
                return calls.buy(MixedRequests.GRPC);
              }
            }));
      }
      for (Future<?> one : running) {
        one.get();
      }
    }
    Await.untilPasses(Await.PATIENCE, () -> assertThat(counts()).isEqualTo(expected));
  }

  private static Map<Kind, Double> counts() {
    Map<Kind, Double> counts = new HashMap<>();
    for (boolean near : new boolean[] {true, false}) {
      for (String reporter : List.of("source", "destination")) {
        MetricsPage page = reporting(reporter, near);
        for (String protocol : List.of("http", "grpc")) {
          for (String code : List.of("200", "101", MixedRequests.ANY)) {
            counts.put(
                new Kind(near, reporter, protocol, code),
                page.metric(
                    "istio_requests_total",
                    "reporter=\"" + reporter + '"',
                    "source_workload=\"" + site.client(BUYER, near).name() + '"',
                    "request_protocol=\"" + protocol + '"',
                    "response_code=\"" + code));
          }
        }
      }
    }
    return counts;
  }

  /** Of who reports of those who call from near or afar. */
  private static MetricsPage reporting(String reporter, boolean near) {
    return (reporter.equals("source") ? site.calling(near) : site.serving()).page();
  }

  // --- how long they took --------------------------------------------------------------------

  /**
   * One of twenty takes evenly between two limits of the histogram, all others far less, so that
   * what Prometheus reads between limits ({@code histogram_quantile}) is what was. Where a busy
   * machine makes them longer than the upper one it is what Prometheus would read of what was. One
   * of ten is refused.
   */
  @Test
  void theSlowestOfAHundredAndThoseThatFailAreWhatTheirCallerSaw() throws Exception {
    for (boolean near : new boolean[] {true, false}) {
      List<Cell> cells = site.cells().stream().filter(cell -> cell.near() == near).toList();
      List<ClientConnection> callers = new ArrayList<>();
      List<Double> seen = Collections.synchronizedList(new ArrayList<>());
      try (ExecutorService threads = Executors.newCachedThreadPool()) {
        double earlier = durations(near).getLast();
        for (int i = 0; i < TIMED_CALLERS; i++) {
          ClientConnection caller = connect(cells.get(i % cells.size()), false);
          callers.add(caller);
          callLate(caller, QUICK); // what a connection's first takes is not asked
        }
        awaitCount(near, earlier + TIMED_CALLERS);
        List<Double> before = durations(near);
        List<Double> codes = codes(near);
        List<JsonNode> reading = site.calling(near).ask("stat");
        JsonNode total = stat(near);
        Instant begin = Instant.now();
        StringWriter tapped = new StringWriter();
        Future<Integer> tap = CompletableFuture.supplyAsync(() -> tap(near, tapped));
        Await.until("somebody watches", () -> tapped.toString().contains("VERDICT"));
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < TIMED_CALLERS; i++) {
          int first = i;
          running.add(
              threads.submit(() -> {
                for (int call = first; call < TIMED; call += TIMED_CALLERS) {
                  seen.add(
                      call < TIMED - FAILED
                          ? callLate(
                              callers.get(first),
                              call < SLOW ? MIDDLE + (LONGEST - MIDDLE) * call / SLOW : QUICK)
                          : callRefused(callers.get(first)));
                }
                return true;
              }));
        }
        for (Future<?> one : running) {
          one.get();
        }
        awaitCount(near, before.getLast() + TIMED);
        seen.sort(null);
        double slow = seen.get(TIMED * 99 / 100 - 1);
        double crowd = Math.max(1, AtLoad.perProcessor()); // a caller wakes late where others run
        double off = 0.05 * crowd;
        double told = quantile(0.99, before, durations(near));
        assertThat(told)
            .as(near ? "those within the node" : "those between nodes")
            .isBetween(quantile(seen, 1 - off), quantile(seen, 1 + off));
        if (slow <= LONGEST * (1 - off)) {
          assertThat(told).isCloseTo(slow, withinPercentage(100 * off));
        }
        assertThat(codes(near))
            .containsExactly(codes.getFirst() + TIMED - FAILED, codes.getLast() + FAILED);
        JsonNode row =
            only(near, Signals.between(reading, site.calling(near).ask("stat"), By.workload));
        assertThat(row.path("requests").asInt()).isEqualTo(TIMED);
        assertThat(row.path("failed").asInt()).isEqualTo(FAILED);
        assertThat(row.path("p99Millis").asDouble())
            .as("what may lie between the two ends, and 4 %% of where a bound stands")
            .isCloseTo(slow, withinPercentage(9 * crowd));
        JsonNode later = stat(near);
        for (String name : List.of("requests", "failed")) {
          assertThat(later.path(name).asLong() - total.path(name).asLong())
              .isEqualTo(row.path(name).asLong());
        }
        Await.untilPasses(Await.PATIENCE, () -> checkLog(near, begin));
        assertThat(tap.get(30, TimeUnit.SECONDS)).isZero();
        assertThat(tapped.toString().lines().skip(1))
            .hasSize(FAILED)
            .allMatch(
                line -> line.contains("refused  route_not_granted") && line.contains(NOT_GRANTED));
      } finally {
        callers.forEach(ClientConnection::close);
      }
    }
    checkHandshakes(true);
    checkHandshakes(false);
  }

  /** Asks for an answer after so many milliseconds; returns how many it took. */
  private static double callLate(ClientConnection connection, long millis) throws IOException {
    Ask ask = Ask.get(EchoServer.LATE + millis, "late", 10);
    long begin = System.nanoTime();
    connection.ask(ask).answers(ask);
    return (System.nanoTime() - begin) / 1e6;
  }

  /** The same of a path that nobody may ask for. */
  private static double callRefused(ClientConnection connection) throws IOException {
    long begin = System.nanoTime();
    assertThat(connection.ask(Ask.get(NOT_GRANTED, "refused", 0)).status()).isEqualTo(403);
    return (System.nanoTime() - begin) / 1e6;
  }

  /** Requests that were answered 200, and 403. */
  private static List<Double> codes(boolean near) {
    MetricsPage page = site.calling(near).page();
    return Stream.of("200", "403")
        .map(code ->
            page.metric(
                "istio_requests_total",
                "reporter=\"source\"",
                "source_workload=\"" + site.client(BUYER, near).name() + '"',
                "request_protocol=\"http\"",
                "response_code=\"" + code + '"'))
        .toList();
  }

  private static JsonNode stat(boolean near) throws IOException {
    String printed =
        JavaCommand.here("stat", "--total", "-o", "json", "--node-name", site.node(near).prefix());
    List<JsonNode> rows = new ArrayList<>();
    new ObjectMapper().readTree(printed).forEach(rows::add);
    return only(near, rows);
  }

  /** What the clients asked. */
  private static JsonNode only(boolean near, List<JsonNode> rows) {
    String client = "shop/" + site.client(BUYER, near).name();
    return rows.stream()
        .filter(row -> row.path("workload").asText().equals(client))
        .filter(row -> row.path("direction").asText().equals("outbound"))
        .findFirst()
        .orElseThrow();
  }

  private static int tap(boolean near, StringWriter out) {
    String line =
        "tap --verdict refused --status 4xx --path %s --pod %s --max %d -o wide --node-name %s"
            .formatted(
                NOT_GRANTED, site.client(BUYER, near).meshName(), FAILED, site.node(near).prefix());
    return SluiceCommand.commandLine().setOut(new PrintWriter(out)).execute(line.split(" "));
  }

  private static void checkLog(boolean near, Instant begin) {
    List<RequestLine> lines =
        site.calling(near).requests().stream()
            .filter(line -> line.direction().equals("outbound") && !line.started().isBefore(begin))
            .filter(line -> line.source().equals(site.client(BUYER, near).meshName()))
            .toList();
    assertThat(lines).hasSize(TIMED);
    assertThat(lines)
        .filteredOn(line -> line.verdict().equals("refused"))
        .hasSize(FAILED)
        .allMatch(line -> line.status() == 403);
  }

  /** Of each pod, which are all there is. */
  private static void checkHandshakes(boolean near) {
    DaemonView view = site.calling(near);
    long ofPods = view.pods().stream().mapToLong(pod -> pod.path("handshakes").asLong()).sum();
    assertThat((double) ofPods).isPositive().isEqualTo(view.metric("sluice_tls_handshakes_total"));
    assertThat(view.status().path("handshakes").asLong()).isEqualTo(ofPods);
    assertThat(view.pod(site.client(BUYER, near)).path("handshakes").asLong() > 0)
        .as("who calls from afar begins them")
        .isEqualTo(!near);
  }

  private static void awaitCount(boolean near, double count) {
    Await.untilPasses(Await.PATIENCE, () -> assertThat(durations(near).getLast()).isEqualTo(count));
  }

  /** How many took no longer than each of {@link #LIMITS}, and all, as their node counts. */
  private static List<Double> durations(boolean near) {
    MetricsPage page = site.calling(near).page();
    return Stream.concat(LIMITS.stream().map(Object::toString), Stream.of("+Inf"))
        .map(limit ->
            page.metric(
                "istio_request_duration_milliseconds_bucket",
                "reporter=\"source\"",
                "source_workload=\"" + site.client(BUYER, near).name() + '"',
                "request_protocol=\"http\"",
                "le=\"" + limit + '"'))
        .toList();
  }

  /** As that would be read of these, each so many times as long. */
  private static double quantile(List<Double> millis, double times) {
    List<Double> counts =
        Stream.concat(LIMITS.stream().map(Integer::doubleValue), Stream.of(Double.MAX_VALUE))
            .map(limit -> (double) millis.stream().filter(one -> one * times <= limit).count())
            .toList();
    return quantile(0.99, Collections.nCopies(counts.size(), 0.0), counts);
  }

  /** As {@code histogram_quantile} of PromQL reads it. */
  private static double quantile(double quantile, List<Double> before, List<Double> after) {
    double rank = quantile * (after.getLast() - before.getLast());
    double below = 0;
    for (int i = 0; i < LIMITS.size(); i++) {
      double count = after.get(i) - before.get(i);
      if (count >= rank) {
        double from = i == 0 ? 0 : LIMITS.get(i - 1);
        return from + (LIMITS.get(i) - from) * (rank - below) / (count - below);
      }
      below = count;
    }
    return Double.POSITIVE_INFINITY;
  }

  // --- memory --------------------------------------------------------------------------------

  @Test
  @Tag("long")
  void aHundredUploadsOfWhichHalfWaitForTheirReadersTakeNoMemory() throws Exception {
    upload(16 << 20);
  }

  @Test
  @Tag("long")
  @Timeout(value = 1, unit = TimeUnit.HOURS)
  void aHundredUploadsOfAGibibyteTakeNoMemory() throws Exception {
    upload(1 << 30);
  }

  private static void upload(long bytes) throws Exception {
    Resident resident = new Resident();
    try (Uploads uploads = begin(bytes)) {
      uploads.awaitStandstill();
      resident.look();
      long sent = uploads.sent();
      assertThat(sent).isLessThan(UPLOADS * bytes);
      servers.forEach(EchoServer::letGo);
      while (!uploads.areAnswered()) {
        resident.look();
        Thread.sleep(LOOK_MILLIS);
      }
      resident.check(
          "100 uploads of %d MiB, %d MiB before half goes on".formatted(bytes >> 20, sent >> 20));
      uploads.check();
    }
  }

  private static ClientConnection connectToBooks(Cell cell, boolean http2) {
    return connect(cell, "books", http2);
  }

  /** Of which half stand still; others have gone before. */
  private static Uploads begin(long bytes) throws Exception {
    Uploads uploads =
        new Uploads(site.cells(), HttpLoadTest::connectToBooks, EchoServer.HELD, UPLOADS, bytes);
    Await.until("servers read no more of those", () -> held() == uploads.held());
    return uploads;
  }

  /** Memory of both daemons, of the servers' first. */
  private static final class Resident {
    private final long[] before;
    private final long[] most;

    Resident() throws Exception {
      try (Uploads first =
          new Uploads(site.cells(), HttpLoadTest::connectToBooks, "/load/", 16, 1 << 20)) {
        first.check();
      }
      before = now();
      most = before.clone();
    }

    private static long[] now() throws IOException {
      return new long[] {
        LargeBodies.residentKib(site.node(true).daemon().pid()),
        LargeBodies.residentKib(site.node(false).daemon().pid())
      };
    }

    void look() throws IOException {
      long[] now = now();
      for (int i = 0; i < now.length; i++) {
        most[i] = Math.max(most[i], now[i]);
      }
    }

    void check(String what) {
      System.out.printf(
          "resident KiB of both daemons, %s: before %s, at most %s%n",
          what, Arrays.toString(before), Arrays.toString(most));
      for (int i = 0; i < most.length; i++) {
        assertThat(most[i]).isLessThan(MOST_KIB);
        assertThat(most[i] - before[i]).isLessThan(MOST_GROWTH_KIB);
      }
    }
  }

  // --- gRPC ----------------------------------------------------------------------------------

  @Test
  void callsOfGrpcOfEachKindEndAsTheyShouldAndAreCounted() throws Exception {
    List<Double> before = messages();
    List<Double> expected = new ArrayList<>();
    before.forEach(count ->
        expected.add(
            count + 2 * (expected.size() % 2 == 0 ? GrpcCalls.ASKED : GrpcCalls.ANSWERED)));
    ofEachKind(GRPC_PORT, null);
    Await.untilPasses(Await.PATIENCE, () -> assertThat(messages()).isEqualTo(expected));
    for (Cell cell : site.cells()) {
      try (GrpcCalls calls = new GrpcCalls(GROUP, cell, BUYER, GRPC_PORT)) {
        calls.steal();
        assertThat(calls.buy(1)).hasSize(1); // the channel goes on
      }
    }
  }

  private static List<Double> messages() {
    List<Double> counts = new ArrayList<>();
    for (boolean near : new boolean[] {true, false}) {
      for (String reporter : List.of("source", "destination")) {
        MetricsPage page = reporting(reporter, near);
        for (String what :
            List.of("istio_request_messages_total", "istio_response_messages_total")) {
          counts.add(
              page.metric(
                  what,
                  "reporter=\"" + reporter + '"',
                  "source_workload=\"" + site.client(BUYER, near).name() + '"'));
        }
      }
    }
    return counts;
  }

  @Test
  void callsByTlsOfTheApplicationAreBytesToTheMesh() throws Exception {
    ofEachKind(GRPC_TLS_PORT, site.directory().resolve("app.crt"));
  }

  /** In all cells at once, each of which has a deadline; then one by one what its client ends. */
  private static void ofEachKind(int port, @Nullable Path rootOrNull) throws Exception {
    List<GrpcCalls> all = new ArrayList<>();
    try {
      for (Cell cell : site.cells()) {
        all.add(new GrpcCalls(GROUP, cell, BUYER, port, rootOrNull));
      }
      int before = GrpcCalls.cancelled(shops);
      AtOnce.forEach(all, GrpcCalls::ofEachKind);
      Await.until(
          "every deadline is known to the servers",
          () -> GrpcCalls.cancelled(shops) == before + all.size());
      all.forEach(calls -> calls.cancel(shops));
    } finally {
      all.forEach(GrpcCalls::close);
    }
  }

  @Test
  void callsOfOneChannelSpreadEvenlyOverReplicas() throws Exception {
    for (Cell cell : site.cells()) {
      if (cell.near() == (cell.family() == Family.IPV6)) {
        try (GrpcCalls calls = new GrpcCalls(GROUP, cell, BUYER, GRPC_PORT)) {
          assertThat(calls.buy(SPREAD_CALLS))
              .as("%s", cell)
              .hasSize(3)
              .allSatisfy((pod, count) ->
                  assertThat(count).isBetween(SHARE - SHARE / 10, SHARE + SHARE / 10));
        }
      }
    }
  }

  // --- the page --------------------------------------------------------------------------------

  @Test
  void thePageOfANodeShowsWhatItsPodsAsk() throws Exception {
    Cell cell = new Cell(site, false, Family.IPV4);
    String pair = "shop/" + cell.client(BUYER).name() + " → shop/bookstore";
    try (HttpCallers callers =
            new HttpCallers(
                GROUP, cell.client(BUYER), cell.at("bookstore", HTTP1_PORT), false, "page");
        ServedPage page =
            new ServedPage(site.node(false).prefix(), site.controlState(), site.directory())) {
      page.checkRate(pair, callers::answered);
      assertThat(page.cell(pair, 5)).isEqualTo("100.0 %");
      assertThat(Double.parseDouble(page.cell(pair, 7))).isBetween(0.01, 1_000.0);
      assertThat(page.cell(pair, 11)).isEqualTo("mutual TLS");

      Browser browser = page.choose(pair);

      Await.until(
          "who grants it",
          () -> browser.text("#policies").contains("shop/bookbuyer-to-bookstore-v1"));
      Await.untilPasses(
          Await.PATIENCE,
          () ->
              assertThat(browser.text("#requests"))
                  .as(browser.text("body"))
                  .contains(" /load/steady"));
      assertThat(browser.text("#requests tr")).contains("200", "allowed");
      assertThat(browser.text("#certificates")).contains("ns/shop/sa/bookbuyer", " % left)");
      page.checkMesh(pair, List.of(site.node(false).prefix(), site.node(true).prefix()));
      assertThat(browser.complaints()).isEmpty();
      assertThat(callers.failed()).isEmpty();
      page.stop();
    }
  }
}
