package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.RemoteLogging;
import io.sluice.node.Samples;
import io.sluice.node.export.Budget;
import io.sluice.node.export.Exporter;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines of all pods, to the one collector that the MeshConfig names. */
@Timeout(60)
class RemoteLogTest {
  private static final RequestRecord CALL = Samples.request(Samples.outbound(1), 200);
  private static final String SECRET = "Basic bm9kZTpzZWNyZXQ=";

  private final AccessLogs logs = new AccessLogs(null, new Budget());
  private final List<JsonNode> told = new CopyOnWriteArrayList<>();
  private @Nullable HttpServer collector;

  @AfterEach
  void close() {
    logs.close();
    HttpServer open = collector;
    if (open != null) {
      open.stop(0);
    }
  }

  /** Takes what is posted to {@code /ingest} with the secret, else answers 401. */
  private int collect(String address) throws IOException {
    HttpServer opened =
        HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral(address), 0), 0);
    ObjectMapper mapper = new ObjectMapper();
    opened.createContext(
        "/",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          boolean isKnown =
              SECRET.equals(exchange.getRequestHeaders().getFirst("authorization"))
                  && exchange.getRequestURI().getPath().equals("/ingest")
                  && exchange.getRequestMethod().equals("POST");
          if (isKnown) {
            mapper.readTree(body).forEach(told::add);
          }
          exchange.sendResponseHeaders(isKnown ? 200 : 401, -1);
          exchange.close();
        });
    opened.start();
    collector = opened;
    return opened.getAddress().getPort();
  }

  private static MeshSnapshot snapshot(@Nullable RemoteLogging remote) {
    return Samples.snapshot(null, remote);
  }

  private static MeshSnapshot to(String host, int port, String authorization, double part) {
    return snapshot(new RemoteLogging(new NamedServer(host, port), "/ingest", authorization, part));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void aHundredCallsAndAConnectionAreALineEachAsInTheAccessLog(String address) throws Exception {
    logs.publish(to(address, collect(address), SECRET, 1));
    assertThat(logs.areOn()).isTrue();
    for (int i = 0; i < 100; i++) {
      logs.write(CALL);
    }
    logs.write(Samples.ended(Samples.outbound(3), CloseKind.FIN));

    Await.until("all are there", () -> told.size() == 101);
    assertThat(told.getFirst().path("path").asText()).isEqualTo("/items/7");
    assertThat(told.getFirst().path("pod").asText()).isEqualTo("shop/cart-0");
    assertThat(told.getLast().path("close").asText()).isEqualTo("fin");
    Await.until("they are counted", () -> logs.remoteCounts().now().sent() == 101);
    assertThat(logs.remoteCounts().now().dropped() + logs.remoteCounts().now().rejected()).isZero();

    logs.publish(snapshot(null));
    assertThat(logs.areOn()).isFalse();
    logs.write(CALL);
    assertThat(logs.remoteCounts().now().waiting()).isZero();
  }

  /** Not after the pause that the collector's refusals have made. */
  @Test
  void aMendedSecretIsTriedAtOnce() throws Exception {
    int port = collect("127.0.0.1");
    logs.publish(to("127.0.0.1", port, "Basic d3Jvbmc=", 1));
    for (int i = 1; i <= 5; i++) { // after the second a pause, longer each time
      logs.write(CALL);
      int refused = i;
      Await.until("it is refused", () -> logs.remoteCounts().now().rejected() == refused);
    }
    logs.write(CALL);
    long begin = System.nanoTime();
    logs.publish(to("127.0.0.1", port, SECRET, 1));

    Await.until("it is taken", () -> told.size() == 1);
    assertThat(System.nanoTime() - begin).isLessThan(5_000_000_000L);
  }

  @Test
  void aTraceIsSentAsAWholeOrNotAndOfOthersAPartIs() throws Exception {
    logs.publish(to("127.0.0.1", collect("127.0.0.1"), SECRET, 0.25));
    RandomGenerator random = RandomGenerator.getDefault();
    int wanted = 0;
    for (int i = 0; i < 800; i++) {
      TraceSpan trace = new TraceSpan(1, random.nextLong(), 12, 13, 0);
      wanted += TraceSpan.isOfPart(trace.traceLow(), 0.25) ? 1 : 0;
      logs.write(Samples.traced(CALL, trace));
    }
    int of = wanted;
    Await.until("those are there", () -> told.size() == of);
    Await.until("they are counted", () -> logs.remoteCounts().now().sent() == of);
    assertThat(of).isBetween(100, 300); // 200 are expected, by a binomial distribution

    for (int i = 0; i < 800; i++) {
      logs.write(CALL);
    }
    Await.until("nothing waits", () -> logs.remoteCounts().now().waiting() == 0);
    assertThat(told.size() - of).isBetween(100, 300);
  }

  @Test
  void aCollectorThatIsAwayCostsNoMoreThanItsQueue() throws Exception {
    int port = collect("127.0.0.1");
    logs.publish(to("127.0.0.1", port == 1 ? 2 : 1, SECRET, 1)); // where nobody listens
    for (int i = 0; i < 3 * Exporter.MOST_WAITING; i++) {
      logs.write(CALL);
    }

    assertThat(logs.remoteCounts().now().waiting()).isEqualTo(Exporter.MOST_WAITING);
    assertThat(logs.remoteCounts().now().dropped()).isEqualTo(2L * Exporter.MOST_WAITING);
    logs.publish(to("127.0.0.1", port, SECRET, 1));
    Await.until("what waited is there", () -> told.size() == Exporter.MOST_WAITING);
  }
}
