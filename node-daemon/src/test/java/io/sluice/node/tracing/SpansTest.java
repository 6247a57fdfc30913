package io.sluice.node.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Reporting;
import io.sluice.mesh.Tracing;
import io.sluice.node.Samples;
import io.sluice.node.export.Budget;
import io.sluice.node.export.Exporter;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.TraceSpan;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SpansTest {
  private static final int TAKEN = 202;

  private final BlockingQueue<JsonNode> told = new LinkedBlockingQueue<>();
  private final Deque<Integer> answers = new ArrayDeque<>(); // before TAKEN; the server's
  private final List<String> encodings = new CopyOnWriteArrayList<>();
  private final Budget budget = new Budget();
  private final Spans spans = new Spans(budget);
  private final HttpServer collector;

  SpansTest() throws IOException {
    collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/spans",
        exchange -> {
          String encoding =
              String.valueOf(exchange.getRequestHeaders().getFirst("content-encoding"));
          encodings.add(encoding);
          InputStream sent = exchange.getRequestBody();
          JsonNode body =
              new ObjectMapper()
                  .readTree(encoding.equals("gzip") ? new GZIPInputStream(sent) : sent);
          Integer answer = answers.poll();
          if (answer == null) {
            body.forEach(told::add);
          }
          exchange.sendResponseHeaders(answer == null ? TAKEN : answer, -1);
          exchange.close();
        });
    collector.start();
  }

  @AfterEach
  void close() {
    spans.close();
    collector.stop(0);
  }

  @Test
  void aSpanTellsWhoAskedWhomForWhat() throws Exception {
    spans.publish(reportingTo(collector.getAddress().getPort()));
    Instant before = Instant.now();

    spans.add(request(Samples.outbound(1), End.WHOLE, 200, TraceSpan.SAMPLED));

    JsonNode span = next();
    assertThat(span.path("traceId").asText()).isEqualTo("000000000000000a000000000000000b");
    assertThat(span.path("id").asText()).isEqualTo("000000000000000c");
    assertThat(span.path("parentId").asText()).isEqualTo("000000000000000d");
    assertThat(span.path("kind").asText()).isEqualTo("CLIENT");
    assertThat(span.path("name").asText()).isEqualTo("POST");
    assertThat(span.path("duration").asLong()).isEqualTo(30_000);
    assertThat(Duration.between(before, time(span)).abs()).isLessThan(Duration.ofSeconds(10));
    assertThat(span.at("/localEndpoint/serviceName").asText()).isEqualTo("cart-0.shop");
    assertThat(span.at("/remoteEndpoint/serviceName").asText()).isEqualTo("catalogue.shop");
    assertThat(span.path("tags").path("url.path").asText()).isEqualTo("/items/7");
    assertThat(span.path("tags").path("http.response.status_code").asText()).isEqualTo("200");
    assertThat(span.path("tags").has("error")).isFalse();
  }

  @Test
  void withinABudgetSpansAreCompressed() throws Exception {
    spans.publish(reportingTo(collector.getAddress().getPort()));
    spans.add(request(Samples.outbound(1), End.WHOLE, 200, TraceSpan.SAMPLED));
    next();
    long before = budget.exchanged();
    budget.limit(Reporting.MOST_BUDGET);
    for (int one = 0; one < 100; one++) {
      spans.add(request(Samples.outbound(1), End.WHOLE, 200, TraceSpan.SAMPLED));
    }
    for (int one = 0; one < 100; one++) {
      assertThat(next().path("name").asText()).isEqualTo("POST");
    }
    await(() -> spans.counts().now().sent() == 101);

    assertThat(encodings.getFirst()).isEqualTo("null");
    assertThat(encodings.subList(1, encodings.size())).isNotEmpty().containsOnly("gzip");
    assertThat(budget.exchanged() - before).isLessThan(100 * 100); // of some 600 each
  }

  /** As two event loops tell them, which is no reason to leave one out. */
  @Test
  void whatFailsAtTheSameMomentIsToldAsLongAsThereIsRoomForIt() throws Exception {
    int each = 50; // of 100 in a second
    spans.publish(reportingTo(collector.getAddress().getPort()));
    CyclicBarrier begin = new CyclicBarrier(2);
    Callable<Void> loop =
        () -> {
          RequestRecord failed = request(Samples.outbound(1), End.WHOLE, 503, 0);
          begin.await();
          for (int one = 0; one < each; one++) {
            spans.add(failed);
          }
          return null;
        };
    try (ExecutorService loops = Executors.newFixedThreadPool(2)) {
      for (Future<Void> ended : loops.invokeAll(List.of(loop, loop))) {
        ended.get();
      }
    }
    await(() -> spans.counts().now().waiting() == 0);
    assertThat(spans.counts().now().sent()).isEqualTo(2 * each);
  }

  private static Instant time(JsonNode span) {
    return Instant.EPOCH.plusNanos(span.path("timestamp").asLong() * 1_000);
  }

  @Test
  void whatACollectorCannotTakeNowItGetsLaterAndWhatItRejectsIsCounted() throws Exception {
    answers.add(503);
    answers.add(500); // as what a collector cannot make sense of, and never will
    spans.publish(reportingTo(collector.getAddress().getPort()));

    spans.add(request(Samples.outbound(1), End.WHOLE, 200, TraceSpan.SAMPLED));
    await(() -> spans.counts().now().rejected() == 1);
    spans.add(request(Samples.outbound(2), End.WHOLE, 201, TraceSpan.SAMPLED));

    assertThat(next().at("/tags").path("http.response.status_code").asText()).isEqualTo("201");
    await(() -> spans.counts().now().sent() == 1);
    assertThat(spans.counts().now().dropped()).isZero();
  }

  /** One that takes connections and says nothing. */
  @Test
  void aCollectorThatHangsKeepsNobodyWaitingAndTheQueueHasABound() throws Exception {
    int many = 50_000;
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      spans.publish(reportingTo(silent.getLocalPort()));
      RequestRecord each = request(Samples.outbound(1), End.WHOLE, 200, TraceSpan.SAMPLED);
      spans.add(each);
      silent.accept().getInputStream().read(); // it is asked

      long start = System.nanoTime();
      for (int i = 0; i < many; i++) {
        spans.add(each);
      }
      Duration added = Duration.ofNanos(System.nanoTime() - start);

      assertThat(added.dividedBy(many)).isLessThan(AtLoad.limit(Duration.ofNanos(100_000)));
      assertThat(spans.counts().now().waiting()).isEqualTo(Exporter.MOST_WAITING / 2);
      assertThat(spans.counts().now().dropped()).isEqualTo(many + 1 - Exporter.MOST_WAITING / 2);
      spans.add(request(Samples.outbound(2), End.WHOLE, 503, TraceSpan.SAMPLED));
      assertThat(spans.counts().now().waiting())
          .as("what has failed has room that no caller takes")
          .isEqualTo(Exporter.MOST_WAITING / 2 + 1);
      start = System.nanoTime();
      spans.close();
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isLessThan(AtLoad.limit(Duration.ofSeconds(3)));
    }
  }

  @Test
  void whatHasFailedHasRoomAlsoWhereCallersSayMuch() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      spans.publish(reportingTo(silent.getLocalPort()));
      RequestRecord one = Samples.request(Samples.outbound(1), 200);
      RequestRecord much =
          Samples.asking(
              one,
              one.verdict(),
              "a".repeat(256),
              "/" + "b".repeat(511),
              "c".repeat(256),
              new TraceSpan(10, 11, 12, 13, TraceSpan.SAMPLED));
      for (int i = 0; i < 5_000; i++) {
        spans.add(much);
      }
      long before = spans.counts().now().waiting();
      assertThat(before).isLessThan(Exporter.MOST_WAITING / 2);
      for (int i = 0; i < 100; i++) {
        spans.add(request(Samples.outbound(2), End.WHOLE, 503, TraceSpan.SAMPLED));
      }
      assertThat(spans.counts().now().waiting()).isEqualTo(before + 100);
    }
  }

  @Test
  void failuresOfTracesThatAreNotReportedAreReportedUpToANumber() throws Exception {
    spans.publish(reportingTo(collector.getAddress().getPort()));
    for (int i = 0; i < 10_000; i++) {
      spans.add(request(Samples.outbound(1), End.WHOLE, 200, 0));
      spans.add(
          request(
              Samples.certified(2, Samples.identity(Samples.CART)), End.RESET_BY_UPSTREAM, 503, 0));
    }
    spans.add(request(Samples.outbound(3), End.WHOLE, 201, TraceSpan.SAMPLED));

    int failures = 0;
    JsonNode span = next();
    for (; span.at("/tags").path("http.response.status_code").asInt() != 201; span = next()) {
      assertThat(span.path("tags").path("error").asText()).isEqualTo("reset_by_upstream");
      assertThat(span.path("kind").asText()).isEqualTo("SERVER");
      failures++;
    }
    assertThat(failures).isBetween(1, 1_000);
  }

  @Test
  void whatWaitsAtTheEndIsReportedAndNothingIsMadeAfterwards() throws Exception {
    spans.publish(reportingTo(collector.getAddress().getPort()));
    spans.add(request(Samples.outbound(1), End.WHOLE, 200, TraceSpan.SAMPLED));
    spans.publish(snapshot(null));
    spans.add(request(Samples.outbound(2), End.WHOLE, 201, TraceSpan.SAMPLED));

    assertThat(spans.isOn()).isFalse();
    assertThat(next().at("/tags").path("http.response.status_code").asText()).isEqualTo("200");
    await(() -> spans.counts().now().sent() == 1);
    assertThat(told).isEmpty();
  }

  private JsonNode next() throws InterruptedException {
    JsonNode span = told.poll(20, TimeUnit.SECONDS);
    assertThat(span).as("a span").isNotNull();
    return span;
  }

  private static void await(Callable<Boolean> condition) {
    Await.until("it is counted", condition);
  }

  private static RequestRecord request(ConnectionInfo info, End end, int status, int flags) {
    return Samples.traced(
        Samples.request(info, status, end, null), new TraceSpan(10, 11, 12, 13, flags));
  }

  private static MeshSnapshot reportingTo(int port) {
    return snapshot(
        new Tracing(new NamedServer("127.0.0.1", port), Tracing.Protocol.ZIPKIN, "/spans", 0.5));
  }

  private static MeshSnapshot snapshot(@Nullable Tracing tracing) {
    return Samples.snapshot(tracing, null);
  }
}
