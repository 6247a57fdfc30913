package io.sluice.lab.site;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A Prometheus server of its own on the loopback, which scrapes every second. For one thread. */
public final class Prometheus implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration PATIENCE = Await.patience(30);

  /** How promtool ends where names could be better, and all can be read. */
  private static final int LINT = 3;

  private final HttpClient client = HttpClient.newHttpClient();
  private final Process process;
  private final URI address;

  private Prometheus(Process process, URI address) {
    this.process = process;
    this.address = address;
  }

  /**
   * Starts one and returns when it has scraped all.
   *
   * @param directory for its settings, data and log
   * @param ports on the loopback, by the name of the job
   */
  public static Prometheus start(Path directory, Map<String, Integer> ports) throws IOException {
    Path settings = Files.writeString(directory.resolve("prometheus.yaml"), settings(ports));
    int port = TcpServer.freePort();
    Process process =
        new ProcessBuilder(
                "prometheus",
                "--config.file=" + settings,
                "--storage.tsdb.path=" + directory.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("prometheus.log").toFile())
            .start();
    Prometheus started = new Prometheus(process, URI.create("http://127.0.0.1:" + port));
    try {
      Await.until(
          "Prometheus has scraped all",
          PATIENCE,
          () -> started.values("up == 1").size() == ports.size());
      return started;
    } catch (AssertionError e) {
      started.close();
      throw e;
    }
  }

  private static String settings(Map<String, Integer> ports) {
    StringBuilder text = new StringBuilder("global: {scrape_interval: 1s, scrape_timeout: 1s}\n");
    text.append("scrape_configs:\n");
    ports.forEach((job, port) ->
        text.append("- job_name: ")
            .append(job)
            .append("\n  honor_labels: true\n  static_configs: [{targets: ['127.0.0.1:")
            .append(port)
            .append("']}]\n"));
    return text.toString();
  }

  /** Whether an instant query has a value now that is a number. */
  public boolean hasData(String expression) {
    return !values(expression).isEmpty();
  }

  /** Returns when it has what is there now: before, there is nothing new to ask for. */
  public void awaitScrape() {
    String scraped =
        String.format(Locale.ROOT, "min(timestamp(up)) > %.3f", System.currentTimeMillis() / 1e3);
    Await.until("Prometheus scrapes again", PATIENCE, () -> hasData(scraped));
  }

  private List<Double> values(String expression) {
    String query = URLEncoder.encode(expression, StandardCharsets.UTF_8);
    String answer = get(client, address.resolve("/api/v1/query?query=" + query));
    try {
      return JSON.readTree(answer)
          .path("data")
          .path("result")
          .valueStream()
          .map(series -> Double.valueOf(series.path("value").path(1).asText()))
          .filter(value -> !value.isNaN())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("Prometheus answers " + answer, e);
    }
  }

  private static String get(HttpClient client, URI address) {
    try {
      return client
          .send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException e) {
      throw new UncheckedIOException("no answer from " + address, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + address + " answers", e);
    }
  }

  /**
   * What promtool finds wrong with the metrics at a port of the loopback; empty for nothing. That a
   * name of Open Service Mesh is not as one should be is as it has to be.
   */
  public static String check(int port) throws IOException, InterruptedException {
    String metrics;
    try (HttpClient client = HttpClient.newHttpClient()) {
      metrics = get(client, URI.create("http://127.0.0.1:" + port + "/metrics"));
    }
    Process check =
        new ProcessBuilder("promtool", "check", "metrics").redirectErrorStream(true).start();
    try (OutputStream in = check.getOutputStream()) {
      in.write(metrics.getBytes(StandardCharsets.UTF_8));
    }
    String said = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = check.waitFor();
    String wrong =
        said.lines()
            .filter(line -> !line.matches("osm_[a-z0-9_]+ (counter|non-histogram) .*suffix.*"))
            .collect(Collectors.joining("\n"));
    return code == 0 || (code == LINT && wrong.isEmpty()) ? wrong : wrong + "\nexit code " + code;
  }

  @Override
  public void close() {
    client.close();
    process.destroy();
    try {
      if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
