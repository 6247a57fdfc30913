package io.sluice.node.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.client.exporter.common.TextFormat;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Serves {@code /metrics}, {@code /healthz} (the process answers) and {@code /readyz} (the daemon
 * has started, and is in force for the mesh that its controller is of; then which pods are not
 * protected, a line each). The JDK's HTTP server: plain text for a scraper needs no more.
 */
public final class MetricsServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(MetricsServer.class.getName());
  private static final int BACKLOG = 16;

  /** More than any set of scrapers and probes needs; further ones are closed at once. */
  private static final int MAX_CONNECTIONS = 64;

  private final HttpServer server;
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("sluice-metrics-", 0).factory());

  private MetricsServer(HttpServer server) {
    this.server = server;
  }

  /**
   * Serves on {@code address}; port 0 takes a free one.
   *
   * @param notReady why the daemon is not ready; empty when it is
   * @param unprotected pods that are not protected, a line each
   */
  public static MetricsServer start(
      InetSocketAddress address,
      Supplier<String> metrics,
      Supplier<Optional<String>> notReady,
      Supplier<String> unprotected) {
    // The server has no other way to be told, and reads it when its first instance is made.
    System.setProperty("jdk.httpserver.maxConnections", Integer.toString(MAX_CONNECTIONS));
    try {
      MetricsServer started = new MetricsServer(HttpServer.create(address, BACKLOG));
      started.server.setExecutor(started.threads);
      started.server.createContext("/metrics", exchange -> answerMetrics(exchange, metrics));
      started.server.createContext(
          "/healthz", exchange -> answer(exchange, "/healthz", 200, "text/plain", "ok\n"));
      started.server.createContext(
          "/readyz",
          exchange -> {
            Optional<String> why = notReady.get();
            answer(
                exchange,
                "/readyz",
                why.isEmpty() ? 200 : 503,
                "text/plain",
                why.map(one -> "not ready: " + one + "\n")
                    .orElseGet(() -> "ready\n" + unprotected.get()));
          });
      started.server.start();
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot serve metrics on "
              + IpAddresses.text(address)
              + " ("
              + e.getMessage()
              + "); choose another --metrics-address",
          e);
    }
  }

  private static void answerMetrics(HttpExchange exchange, Supplier<String> metrics)
      throws IOException {
    String text;
    try {
      text = metrics.get();
    } catch (RuntimeException e) {
      // Top frame of the request: without an answer the scraper could not tell what is wrong.
      LOG.log(System.Logger.Level.WARNING, "metrics_not_collected", e);
      answer(exchange, "/metrics", 500, "text/plain", "cannot collect metrics: " + e + "\n");
      return;
    }
    answer(exchange, "/metrics", 200, TextFormat.CONTENT_TYPE_004, text);
  }

  private static void answer(
      HttpExchange exchange, String path, int status, String type, String body) throws IOException {
    try (exchange) {
      boolean known = exchange.getRequestURI().getPath().equals(path);
      byte[] bytes = (known ? body : "not found\n").getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", known ? type : "text/plain");
      exchange.sendResponseHeaders(known ? status : 404, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  /** Where it serves. */
  public InetSocketAddress address() {
    return server.getAddress();
  }

  /** Closes every connection, also those being answered. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
