package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.await.Await;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.Samples;
import io.sluice.node.export.Budget;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessLogTest {
  private static final AccessRecord RECORD = Samples.ended(Samples.outbound(1), CloseKind.FIN);

  @TempDir private Path directory = Path.of("");

  @Test
  void writesOneLineWithEveryField() throws IOException {
    Path file = directory.resolve("access.log");

    try (AccessLog log = AccessLog.toFile(file)) {
      write(log, RECORD);
    }

    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(1);
    JsonNode line = new ObjectMapper().readTree(lines.getFirst());
    assertThat(Instant.parse(line.path("time").asText())).isBefore(Instant.now().plusSeconds(1));
    assertThat(line.path("reporter").asText()).isEqualTo("source");
    assertThat(line.path("direction").asText()).isEqualTo("outbound");
    assertThat(line.path("pod").asText()).isEqualTo("shop/cart-0");
    assertThat(line.path("source_workload").asText()).isEqualTo("shop/cart-0");
    assertThat(line.path("client").asText()).isEqualTo("10.0.0.1:40000");
    assertThat(line.path("original_destination").asText()).isEqualTo("10.96.0.7:80");
    assertThat(line.path("upstream").asText()).isEqualTo("10.0.0.2:8080");
    assertThat(line.path("service").asText()).isEqualTo("shop/catalogue");
    assertThat(line.path("route").asText()).isEqualTo("HTTPRoute shop/catalogue spec.rules[1]");
    assertThat(line.path("verdict").asText()).isEqualTo("allowed");
    assertThat(line.path("reason").asText()).isEqualTo("traffic_target");
    assertThat(line.path("rule").asText()).isEqualTo("shop/cart-reads");
    assertThat(line.path("bytes_sent").asLong()).isEqualTo(120);
    assertThat(line.path("bytes_received").asLong()).isEqualTo(4_096);
    assertThat(line.path("duration_ms").asLong()).isEqualTo(1_500);
    assertThat(line.path("close").asText()).isEqualTo("fin");
    assertThat(line.path("close_reason").asText()).isEqualTo("traffic_target");
    assertThat(line.path("revision").asLong()).isEqualTo(3);
    requireDocumented(line, "of a connection's:");
  }

  /** Each field stands in the page, those of a connection in a table of their own. */
  private static void requireDocumented(JsonNode line, String from) throws IOException {
    String page = Files.readString(Path.of("..", "docs", "telemetry.md"));
    String section = page.substring(page.indexOf("## Access log"));
    assertThat(section.substring(section.indexOf(from)))
        .contains(line.propertyStream().map(field -> "`" + field.getKey() + "`").toList());
  }

  /** What one said that is like the next is not said of another. */
  @Test
  void connectionsThatAreAlikeTellEachItsOwn() {
    ConnectionInfo one = Samples.outbound(1);
    List<AccessRecord> ended =
        List.of(
            RECORD,
            Samples.ended(one.another(2, new InetSocketAddress("10.0.0.1", 7)), CloseKind.IDLE),
            Samples.ended(one.another(3, new InetSocketAddress("10.0.0.9", 7)), CloseKind.FIN),
            Samples.ended(one.another(4, new InetSocketAddress("fd00::9", 65_535)), CloseKind.FIN),
            Samples.refused(one, Reason.NO_READY_ENDPOINT),
            Samples.refused(one, Reason.NO_TRAFFIC_TARGET),
            Samples.refused(Samples.stranger(5), Reason.SOURCE_NOT_IN_MESH),
            RECORD);
    AccessLines again = new AccessLines();

    for (AccessRecord record : ended) {
      assertThat(line(again, record))
          .isEqualTo(line(new AccessLines(), record))
          .contains(IpAddresses.text(record.info().client()))
          .contains(record.closeReason().label());
    }
  }

  private static String line(AccessLines lines, AccessRecord record) {
    JsonLine line = lines.write(new Ended.OfConnection(Instant.EPOCH, record), null);
    return new String(line.octets(), 0, line.length(), StandardCharsets.US_ASCII);
  }

  @Test
  void tellsThePrincipalsAndHowTheyWereProven() throws IOException {
    Path file = directory.resolve("access.log");
    SpiffeId caller = Samples.identity(Samples.CART);

    try (AccessLog log = AccessLog.toFile(file)) {
      write(log, Samples.ended(Samples.certified(1, caller), CloseKind.FIN));
    }

    JsonNode line = new ObjectMapper().readTree(Files.readString(file));
    assertThat(line.path("source_principal").asText()).isEqualTo(caller.toString());
    assertThat(line.path("destination_principal").asText())
        .isEqualTo(Samples.identity(Samples.CATALOGUE).toString());
    assertThat(line.path("connection_security_policy").asText()).isEqualTo("mutual_tls");
    assertThat(line.has("source_workload")).isFalse();
  }

  @Test
  void leavesOutWhatIsNotKnown() throws IOException {
    Path file = directory.resolve("access.log");

    try (AccessLog log = AccessLog.toFile(file)) {
      write(log, Samples.refused(Samples.stranger(1), Reason.SOURCE_NOT_IN_MESH));
    }

    JsonNode line = new ObjectMapper().readTree(Files.readString(file));
    assertThat(line.fieldNames())
        .toIterable()
        .doesNotContain("source_workload", "original_destination", "upstream", "service", "rule");
    assertThat(line.path("client").asText()).isEqualTo("[fd00::9]:50000");
  }

  @Test
  void aRequestHasEveryFieldOfOsm() throws IOException {
    Path file = directory.resolve("access.log");

    try (AccessLog log = AccessLog.toFile(file)) {
      write(log, Samples.request(Samples.outbound(1), 200));
    }

    ObjectNode line = (ObjectNode) new ObjectMapper().readTree(Files.readString(file));
    requireDocumented(line, "");
    Instant time = Instant.parse(line.remove("time").asText());
    assertThat(Instant.parse(line.remove("start_time").asText())).isEqualTo(time.minusMillis(30));
    assertThat(line)
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    """
                    {"reporter":"source","direction":"outbound","pod":"shop/cart-0",
                    "source_workload":"shop/cart-0","connection_security_policy":"none",
                    "client":"10.0.0.1:40000","original_destination":"10.96.0.7:80",
                    "service":"shop/catalogue","route":"HTTPRoute shop/catalogue spec.rules[1]","verdict":"allowed","reason":"traffic_target",
                    "rule":"shop/cart-reads","method":"POST","path":"/items/7",
                    "protocol":"HTTP/1.1","authority":"catalogue.shop","user_agent":"curl/8.5",
                    "request_id":"4bf92f35-77b3","upstream_host":"10.0.0.2:8080",
                    "upstream_cluster":"shop/catalogue|8080","response_code":200,
                    "response_code_details":"via_upstream","response_flags":"-",
                    "bytes_received":120,"bytes_sent":4096,"duration":30,
                    "time_to_first_byte":12,"upstream_service_time":9,
                    "x_forwarded_for":null,"requested_server_name":null,"revision":3}
                    """));
  }

  /** What the last request of a connection said is not said of the next one. */
  @Test
  void requestsOfOneConnectionTellEachItsOwn() throws IOException {
    Path file = directory.resolve("access.log");
    ConnectionInfo info = Samples.outbound(1);
    RequestRecord one = Samples.request(info, 200);
    Verdict other = Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE);
    List<RequestRecord> asked =
        List.of(
            one,
            one,
            Samples.asking(one, other, "catalogue.shop", "/items/7", "curl/8.5", null),
            Samples.asking(one, one.verdict(), "other.shop", "/items/7", "curl/8.5", null),
            Samples.asking(one, one.verdict(), "other.shop", "/items/8", null, null),
            Samples.grpc(info, "0"));

    try (AccessLog log = AccessLog.toFile(file)) {
      asked.forEach(each -> write(log, each));
    }

    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(asked.size());
    for (int i = 0; i < asked.size(); i++) {
      RequestRecord each = asked.get(i);
      JsonNode line = new ObjectMapper().readTree(lines.get(i));
      assertThat(line.path("reason").asText()).isEqualTo(each.verdict().reason().label());
      assertThat(line.has("rule")).isEqualTo(each.verdict().ruleOrNull() != null);
      assertThat(line.path("authority").asText()).isEqualTo(each.authority());
      assertThat(line.path("path").asText()).isEqualTo(each.path());
      assertThat(line.path("protocol").asText()).isEqualTo(each.version());
      assertThat(line.path("user_agent").textValue()).isEqualTo(each.userAgentOrNull());
    }
  }

  @Test
  void aRefusedRequestTellsWhyAndNamesNoUpstream() throws IOException {
    Path file = directory.resolve("access.log");

    try (AccessLog log = AccessLog.toFile(file)) {
      write(log, Samples.refusedRequest(Samples.stranger(1), Reason.NO_TRAFFIC_TARGET, false));
    }

    JsonNode line = new ObjectMapper().readTree(Files.readString(file));
    assertThat(line.path("response_code").asInt()).isEqualTo(403);
    assertThat(line.path("response_flags").asText()).isEqualTo("RBACAF");
    assertThat(line.path("response_code_details").asText()).isEqualTo("refused");
    assertThat(line.path("verdict").asText()).isEqualTo("refused");
    assertThat(line.path("reason").asText()).isEqualTo("no_traffic_target");
    assertThat(line.fieldNames()).toIterable().doesNotContain("rule", "grpc_status", "copy");
    assertThat(List.of("upstream_host", "upstream_cluster", "user_agent", "upstream_service_time"))
        .allSatisfy(field -> assertThat(line.get(field)).isEqualTo(NullNode.getInstance()));
  }

  @Test
  void whatAStrangerChoosesIsBoundedAndStaysOneLineOfAscii() throws IOException {
    Path file = directory.resolve("access.log");
    String hostile = "\"},\n{\"a\":\u001b[2J\u009b\u202e\u2028\ud83d\u007f" + "é".repeat(70_000);
    RequestRecord one = Samples.grpc(Samples.outbound(1), hostile);

    try (AccessLog log = AccessLog.toFile(file)) {
      write(
          log,
          new RequestRecord(
              one.info(),
              one.verdict(),
              one.version(),
              true,
              true,
              hostile,
              hostile,
              "/" + hostile,
              one.status(),
              hostile,
              one.end(),
              0,
              0,
              0,
              0,
              one.duration(),
              hostile,
              hostile,
              hostile,
              Map.of()));
    }

    String text = Files.readString(file);
    assertThat(text.lines()).hasSize(1);
    assertThat(text).matches("[ -~\u007f]+\n").hasSizeLessThan(14_000);
    JsonNode line = new ObjectMapper().readTree(text);
    assertThat(line.path("path").asText())
        .isEqualTo("/" + hostile.substring(0, AccessLines.MAX_PATH - 1) + "...");
    for (String field : List.of("authority", "user_agent", "request_id", "x_forwarded_for")) {
      assertThat(line.path(field).asText())
          .isEqualTo(hostile.substring(0, AccessLines.MAX_TEXT) + "...");
    }
    assertThat(line.path("copy").asText()).isEqualTo("true");
    assertThat(line.path("method").asText()).hasSize(35);
    assertThat(line.path("grpc_status").asText()).hasSize(35);
  }

  @Test
  void appendsToWhatAnEarlierDaemonWrote() throws IOException {
    Path file = directory.resolve("access.log");
    Files.writeString(file, "{}\n");

    try (AccessLog log = AccessLog.toFile(file)) {
      write(log, RECORD);
    }

    assertThat(Files.readAllLines(file)).hasSize(2).first().isEqualTo("{}");
  }

  @Test
  void keepsOnePredecessorWithinTheLimit() throws IOException {
    Path file = directory.resolve("access.log");

    try (AccessLog log = AccessLog.toFile(file, 1_000)) {
      for (int i = 0; i < 20; i++) {
        write(log, RECORD);
      }
    }

    assertThat(directory.resolve("access.log.1")).exists();
    assertThat(directory).isDirectoryNotContaining("glob:**.2");
    assertThat(Files.size(file)).isBetween(1L, 1_000L);
    assertThat(Files.size(directory.resolve("access.log.1"))).isBetween(1L, 1_000L);
    assertThat(Files.readAllLines(file)).allSatisfy(line -> new ObjectMapper().readTree(line));
  }

  @Test
  void dropsAndCountsWhatTheQueueCannotHold() throws InterruptedException {
    CountDownLatch writing = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Recording sink =
        new Recording() {
          @Override
          public void write(byte[] octets, int from, int length) throws IOException {
            writing.countDown();
            await(goOn);
            super.write(octets, from, length);
          }
        };

    try (AccessLog log = AccessLog.to(sink, 2)) {
      write(log, RECORD);
      writing.await();
      for (int i = 0; i < 5; i++) {
        write(log, RECORD);
      }
      assertThat(log.dropped()).as("the one that is being written has its place").isEqualTo(4);
      goOn.countDown();
    }

    assertThat(sink.lines).hasSize(2);
    assertThat(sink.closed).isTrue();
  }

  @Test
  void goesOnAfterTheDiskWasFull() {
    Recording sink =
        new Recording() {
          private int writes;

          @Override
          public void write(byte[] octets, int from, int length) throws IOException {
            writes++;
            if (writes <= 2) {
              throw new IOException("No space left on device");
            }
            super.write(octets, from, length);
          }
        };
    AccessLog log = AccessLog.to(sink, 16);

    for (int i = 0; i < 5; i++) {
      write(log, RECORD);
    }
    log.close();

    assertThat(log.dropped()).isEqualTo(2);
    assertThat(sink.lines).hasSize(3);
  }

  /** The kernel says so only when it is given what was kept back. */
  @Test
  void whatAFullDiskDoesNotTakeIsCounted() {
    AccessLog log = AccessLog.toFile(Path.of("/dev/full"));
    for (int i = 0; i < 20; i++) {
      write(log, RECORD);
    }
    log.close();

    assertThat(log.dropped()).isEqualTo(20);
  }

  @Test
  void endsWhileOthersGoOnWriting() throws Exception {
    Recording sink = new Recording();
    AccessLog log = AccessLog.to(sink, 1_000_000);
    CountDownLatch begun = new CountDownLatch(1_000);
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              while (!Thread.interrupted()) {
                write(log, RECORD);
                begun.countDown();
              }
            });
    begun.await();
    log.close();
    writer.interrupt();
    writer.join();
    write(log, RECORD);

    assertThat(sink.closed).isTrue();
    assertThat(sink.lines).hasSizeGreaterThanOrEqualTo(1_000);
    assertThat(log.dropped()).as("what came too late").isPositive();
  }

  /** Else what waits is memory taken anew in each pause, which costs requests a fifth of theirs. */
  @Test
  void muchDoesNotWaitForMore() throws Exception {
    byte[] line = new byte[1_024];
    int lines = 256;
    Semaphore written = new Semaphore(0);
    CompletableFuture<Thread> thread = new CompletableFuture<>();
    Recording sink =
        new Recording() {
          @Override
          public void write(byte[] octets, int from, int length) {
            thread.complete(Thread.currentThread());
            written.release();
          }
        };
    long least = Long.MAX_VALUE;
    try (AccessLog log = AccessLog.to(sink, 2 * lines)) {
      log.write(line, line.length);
      written.acquire();
      for (int i = 0; i < 20; i++) {
        Await.until("a pause", () -> thread.join().getState() == Thread.State.TIMED_WAITING);
        long begin = System.nanoTime();
        for (int j = 0; j < lines; j++) {
          log.write(line, line.length);
        }
        assertThat(written.tryAcquire(lines, 10, TimeUnit.SECONDS)).isTrue();
        least = Math.min(least, System.nanoTime() - begin);
      }
    }
    assertThat(Duration.ofNanos(least)).isLessThan(AccessLog.GATHERING.dividedBy(2));
  }

  @Test
  void fileThatFailedIsOpenedAnew() throws IOException {
    Path folder = Files.createDirectory(directory.resolve("logs"));
    Path file = folder.resolve("access.log");
    RotatingFile log = new RotatingFile(file, 10);
    write(log, "12345678\n");
    log.flush();
    Files.delete(file);
    Files.delete(folder);

    assertThatThrownBy(() -> write(log, "12345678\n")).isInstanceOf(IOException.class);
    Files.createDirectory(folder);
    write(log, "again\n");
    log.close();

    assertThat(file).hasContent("again");
  }

  private static void write(RotatingFile log, String text) throws IOException {
    byte[] line = text.getBytes(StandardCharsets.UTF_8);
    log.write(line, 0, line.length);
  }

  @Test
  void unwritableFileIsToldAtTheStart() {
    assertThatThrownBy(() -> AccessLog.toFile(directory.resolve("missing").resolve("access.log")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("access.log");
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static void write(AccessLog log, AccessRecord record) {
    new AccessLogs(log, new Budget()).write(record);
  }

  private static void write(AccessLog log, RequestRecord record) {
    new AccessLogs(log, new Budget()).write(record);
  }

  /** Keeps lines in memory; owned by the log's thread until that has ended. */
  private static class Recording implements AccessLog.Sink {
    final List<String> lines = new ArrayList<>();
    boolean closed;

    @Override
    public void write(byte[] octets, int from, int length) throws IOException {
      lines.add(new String(octets, from, length, StandardCharsets.UTF_8));
    }

    @Override
    public void flush() throws IOException {}

    @Override
    public void close() throws IOException {
      closed = true;
    }
  }
}
