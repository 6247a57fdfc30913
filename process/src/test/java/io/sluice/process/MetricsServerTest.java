package io.sluice.process;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetricsServerTest {
  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private final AtomicReference<@Nullable String> missing = new AtomicReference<>("it starts");

  /** What a kubelet grants a probe by default. */
  private static final Duration AT_MOST = Duration.ofSeconds(5); // a slow client may stay for 20

  private final AtomicBoolean large = new AtomicBoolean();
  private final AtomicBoolean broken = new AtomicBoolean();
  private volatile String unprotected = "";

  @AutoClose private final HttpClient client = HttpClient.newHttpClient();

  @AutoClose private final PageServer server = start(ANY_PORT);

  private PageServer start(InetSocketAddress address) {
    return MetricsServer.start(
        MetricsServer.bind(address),
        out -> out.write(metrics()),
        () -> Optional.ofNullable(missing.get()),
        () -> unprotected);
  }

  private String metrics() {
    if (broken.get()) {
      throw new IllegalStateException("a map cannot be read");
    }
    return large.get() ? "up 1.0\n".repeat(1_000_000) : "up 1.0\n";
  }

  @Test
  void servesMetricsInPrometheusTextFormat() throws Exception {
    HttpResponse<String> answer = get("/metrics");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).contains("version=0.0.4"));
    assertThat(answer.body()).isEqualTo("up 1.0\n");
  }

  @Test
  void aTextOfMegabytesArrivesWhole() throws Exception {
    large.set(true);

    HttpResponse<String> answer = get("/metrics");

    assertThat(answer.headers().firstValue("Content-Length")).hasValue("7000000");
    assertThat(answer.body().equals(metrics())).isTrue();
  }

  @Test
  void isHealthyBeforeItIsReady() throws Exception {
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
    assertThat(get("/readyz").statusCode()).isEqualTo(503);
    assertThat(get("/readyz").body()).isEqualTo("not ready: it starts\n");

    missing.set(null);

    assertThat(get("/readyz").statusCode()).isEqualTo(200);
    assertThat(get("/readyz").body()).isEqualTo("ready\n");
  }

  @Test
  void namesThePodsThatAreNotProtectedWhenItIsReady() throws Exception {
    unprotected = "pod shop/store refused: its rules were flushed\n";
    assertThat(get("/readyz").body()).isEqualTo("not ready: it starts\n");

    missing.set(null);

    assertThat(get("/readyz").statusCode()).isEqualTo(200);
    assertThat(get("/readyz").body()).isEqualTo("ready\n" + unprotected);
  }

  @Test
  void knowsNoOtherPath() throws Exception {
    assertThat(get("/").statusCode()).isEqualTo(404);
    assertThat(get("/metrics/more").statusCode()).isEqualTo(404);
  }

  @Test
  void failedCollectionIsAnAnswerThatSaysWhy() throws Exception {
    broken.set(true);

    HttpResponse<String> answer = get("/metrics");

    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(answer.body()).contains("a map cannot be read");
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  /** A third says nothing, a third half a request, a third asks for much and reads none of it. */
  @Test
  void healthIsToldAtOnceWhileSlowClientsHoldThePort() throws Exception {
    large.set(true);
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        Socket client = new Socket(server.address().getAddress(), server.address().getPort());
        slow.add(client);
        String said = List.of("", "GET /metr", "GET /metrics HTTP/1.1\r\n\r\n").get(i % 3);
        client.getOutputStream().write(said.getBytes(US_ASCII));
        if (i % 10 == 9) {
          assertThat(get("/healthz").statusCode()).as("with %s clients", i + 1).isEqualTo(200);
        }
      }
      missing.set(null);
      assertThat(get("/readyz").statusCode()).isEqualTo(200);
    } finally {
      for (Socket client : slow) {
        client.close();
      }
    }
  }

  /** What they do not read is held in the heap of the data path. */
  @Test
  void fewAtATimeHoldATextThatTheyDoNotRead() throws Exception {
    large.set(true);
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < PageServer.MAX_TEXTS; i++) {
        Socket client = new Socket(server.address().getAddress(), server.address().getPort());
        slow.add(client);
        client.getOutputStream().write("GET /metrics HTTP/1.1\r\n\r\n".getBytes(US_ASCII));
        assertThat(client.getInputStream().read()).isEqualTo('H');
      }
      assertThat(get("/metrics").statusCode()).isEqualTo(503);

      slow.removeFirst().close();
      long patience = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      while (get("/metrics").statusCode() != 200) {
        assertThat(System.nanoTime()).as("until its place is free").isLessThan(patience);
      }
    } finally {
      for (Socket client : slow) {
        client.close();
      }
    }
  }

  @Test
  void requestWithoutEndIsNotReadToItsEnd() throws Exception {
    try (Socket client = new Socket(server.address().getAddress(), server.address().getPort())) {
      byte[] endless = ("GET /healthz HTTP/1.1\r\nX: " + "x".repeat(9_000)).getBytes(US_ASCII);
      client.getOutputStream().write(endless);

      assertThat(ended(client)).isTrue();
    }
  }

  /** Whether the server closed or reset it without an answer. */
  private static boolean ended(Socket client) {
    try {
      return client.getInputStream().read() < 0;
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void busyPortIsToldWithTheOptionThatChoosesAnother() {
    assertThatThrownBy(() -> MetricsServer.bind(server.address()))
        .hasMessageStartingWith("cannot serve metrics on 127.0.0.1:")
        .hasMessageContaining("already in use")
        .hasMessageEndingWith("end what listens there, or choose another --metrics-address");
  }

  /** Or a page of another site reads it through the browser of who works at this machine. */
  @ParameterizedTest
  @CsvSource({
    "evil.example, 421", "evil.example:80, 421", "localhost.evil.example, 421", "1.2, 421",
    "LocalHost:9, 200", "127.0.0.1, 200", "[::1]:9, 200", "10.0.0.7:9, 200"
  })
  void atALoopbackAddressNoOtherNameIsAnswered(String host, int status) throws IOException {
    try (Socket client = new Socket(server.address().getAddress(), server.address().getPort())) {
      client
          .getOutputStream()
          .write(("GET /healthz HTTP/1.1\r\nhOST: " + host + "\r\n\r\n").getBytes(US_ASCII));

      assertThat(new String(client.getInputStream().readAllBytes(), US_ASCII))
          .startsWith("HTTP/1.1 " + status)
          .endsWith(
              status == 200
                  ? "ok\n"
                  : "this port is not of '"
                      + host
                      + "'; ask localhost or 127.0.0.1:"
                      + server.address().getPort()
                      + "\n");
    }
  }

  @Test
  void elsewhereAnyNameIs() throws IOException {
    try (PageServer open = start(new InetSocketAddress(0));
        Socket client = new Socket(InetAddress.getLoopbackAddress(), open.address().getPort())) {
      client
          .getOutputStream()
          .write("GET /healthz HTTP/1.1\r\nHost: node.example\r\n\r\n".getBytes(US_ASCII));
      assertThat(client.getInputStream().readAllBytes())
          .startsWith("HTTP/1.1 200".getBytes(US_ASCII));
    }
  }

  @Test
  void closedServerAnswersNobody() {
    server.close();

    assertThatThrownBy(() -> get("/healthz")).isInstanceOf(IOException.class);
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + server.address().getPort() + path);
    return client.send(
        HttpRequest.newBuilder(uri).timeout(AT_MOST).build(), HttpResponse.BodyHandlers.ofString());
  }
}
