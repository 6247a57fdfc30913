package io.sluice.node.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

class MetricsServerTest {
  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private final AtomicReference<@Nullable String> missing = new AtomicReference<>("it starts");
  private final AtomicBoolean broken = new AtomicBoolean();
  private volatile String unprotected = "";

  @AutoClose private final HttpClient client = HttpClient.newHttpClient();

  @AutoClose
  private final MetricsServer server =
      MetricsServer.start(
          ANY_PORT, this::metrics, () -> Optional.ofNullable(missing.get()), () -> unprotected);

  private String metrics() {
    if (broken.get()) {
      throw new IllegalStateException("a map cannot be read");
    }
    return "up 1.0\n";
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

  @Test
  void busyPortIsToldWithTheOptionThatChoosesAnother() {
    assertThatThrownBy(
            () -> MetricsServer.start(server.address(), () -> "", Optional::empty, () -> ""))
        .hasMessageStartingWith("cannot serve metrics on 127.0.0.1:")
        .hasMessageContaining("already in use")
        .hasMessageEndingWith("choose another --metrics-address");
  }

  @Test
  void closedServerAnswersNobody() {
    server.close();

    assertThatThrownBy(() -> get("/healthz")).isInstanceOf(IOException.class);
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + server.address().getPort() + path);
    return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
  }
}
