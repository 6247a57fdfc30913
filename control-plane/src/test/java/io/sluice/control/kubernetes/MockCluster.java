package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * The Kubernetes client's own mock server, which keeps objects as an API server does. It serves
 * watches by WebSocket only, and begins each with every object whatever version was asked for; so a
 * door before it turns their events into the lines of a plain answer, and leaves out those from
 * before that version. All else passes the door as it is.
 */
final class MockCluster implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern VERSION = Pattern.compile("resourceVersion=([0-9]+)");
  private static final Pattern SECONDS = Pattern.compile("timeoutSeconds=([0-9]+)");
  private static final Logger REQUESTS = Logger.getLogger(MockWebServer.class.getName());

  private final KubernetesMockServer mock;
  private final HttpClient client;
  private final ApiDoor door;

  MockCluster() throws Exception {
    REQUESTS.setLevel(Level.WARNING); // else it logs each
    mock =
        new KubernetesMockServer(
            new Context(),
            new MockWebServer(),
            new HashMap<>(),
            new KubernetesCrudDispatcher(),
            true);
    mock.start(InetAddress.getLoopbackAddress(), 0);
    client = HttpClient.newBuilder().sslContext(trusting(certificate())).build();
    door = new ApiDoor(this::handle);
  }

  private Path certificate() {
    return Path.of(mock.getSelfSignedCertificate().certificatePath());
  }

  private static SSLContext trusting(Path certificate) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream in = new FileInputStream(certificate.toFile())) {
      store.setCertificateEntry(
          "mock", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  /** Access as in a pod, with the files of a service account in {@code home}. */
  KubernetesAccess access(Path home) throws IOException {
    return door.inCluster(home);
  }

  /** Creates or replaces the object of a manifest. */
  void apply(JsonNode object) throws IOException {
    String collection = ClusterHistory.collection(object);
    String path = collection + "/" + object.at("/metadata/name").asText();
    if (send("GET", path, "").statusCode() == 200) {
      requireDone(send("PUT", path, object.toString()));
    } else {
      requireDone(send("POST", collection, object.toString()));
    }
  }

  /** Removes the object of a manifest. */
  void delete(JsonNode object) throws IOException {
    requireDone(
        send(
            "DELETE",
            ClusterHistory.collection(object) + "/" + object.at("/metadata/name").asText(),
            ""));
  }

  private static void requireDone(HttpResponse<String> answer) {
    if (answer.statusCode() / 100 != 2) {
      throw new IllegalStateException(answer + " " + answer.body());
    }
  }

  private HttpResponse<String> send(String method, String path, String body) throws IOException {
    try {
      return client.send(
          HttpRequest.newBuilder(URI.create(mock.url(path)))
              .header("Content-Type", "application/json")
              .method(method, BodyPublishers.ofString(body))
              .build(),
          BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      String path = exchange.getRequestURI().toString();
      if (path.contains("watch=true")) {
        watch(exchange, path);
        return;
      }
      HttpResponse<String> answer = send(exchange.getRequestMethod(), path, body);
      byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(answer.statusCode(), bytes.length);
      exchange.getResponseBody().write(bytes);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void watch(HttpExchange exchange, String path) throws IOException, InterruptedException {
    long from = number(VERSION, path);
    long end = System.nanoTime() + Duration.ofSeconds(number(SECONDS, path)).toNanos();
    Events events = new Events();
    WebSocket socket =
        client
            .newWebSocketBuilder()
            .buildAsync(URI.create(mock.url(path).replaceFirst("https", "wss")), events)
            .join();
    try {
      exchange.sendResponseHeaders(200, 0);
      OutputStream out = exchange.getResponseBody();
      out.flush();
      while (System.nanoTime() - end < 0) {
        String line = events.lines.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        if (line != null && isAfter(from, line)) {
          out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
          out.flush();
        }
      }
    } finally {
      socket.abort();
    }
  }

  /** Events of removal have the version of what was removed. */
  private static boolean isAfter(long from, String line) throws IOException {
    JsonNode event = JSON.readTree(line);
    return !event.path("type").asText().equals("ADDED")
        || event.at("/object/metadata/resourceVersion").asLong() > from;
  }

  private static long number(Pattern pattern, String path) {
    Matcher matcher = pattern.matcher(path);
    return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
  }

  /** Whole messages of a WebSocket. */
  private static final class Events implements WebSocket.Listener {
    final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final StringBuilder part = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
      part.append(text);
      if (last) {
        lines.add(part.toString());
        part.setLength(0);
      }
      socket.request(1);
      return null;
    }
  }

  @Override
  public void close() {
    door.close();
    client.shutdownNow();
    mock.shutdown();
  }
}
