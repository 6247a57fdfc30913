package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
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
  private final Path log;

  private Prometheus(Process process, URI address, Path log) {
    this.process = process;
    this.address = address;
    this.log = log;
  }

  /**
   * Starts one with the chart's alert rules, which wait for nothing, and returns when it has
   * scraped all.
   *
   * @param directory for its settings, data and log
   * @param ports on the loopback, by job and instance with a slash between
   */
  public static Prometheus start(Path directory, Map<String, Integer> ports) throws IOException {
    String rules = Files.readString(Dashboards.RULES);
    Files.writeString(
        directory.resolve("rules.yaml"),
        rules.replaceAll("(?m)^ +for: .*\n", "").replace("offset 2h", "offset 5s"));
    Path settings = Files.writeString(directory.resolve("prometheus.yaml"), settings(ports));
    Prometheus started =
        start(
            directory,
            List.of(
                "--config.file=" + settings, "--storage.tsdb.path=" + directory.resolve("data")));
    return started.await(
        "Prometheus has scraped all", () -> started.values("up == 1").size() == ports.size());
  }

  /** Starts one with these arguments and an address of its own, and returns when it answers. */
  public static Prometheus start(Path directory, List<String> arguments) throws IOException {
    int port = TcpServer.freePort();
    List<String> command = new ArrayList<>(List.of("prometheus"));
    command.addAll(arguments);
    command.add("--web.listen-address=127.0.0.1:" + port);
    Path log = directory.resolve("prometheus.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    Prometheus started = new Prometheus(process, URI.create("http://127.0.0.1:" + port), log);
    return started.await("Prometheus answers", () -> !started.ask("/api/v1/rules").isMissingNode());
  }

  private Prometheus await(String what, Callable<Boolean> condition) throws IOException {
    try {
      Await.until(what, PATIENCE, () -> !process.isAlive() || condition.call());
    } catch (AssertionError e) {
      close();
      throw e;
    }
    if (!process.isAlive()) {
      throw new AssertionError("Prometheus ended: " + Files.readString(log));
    }
    return this;
  }

  private static String settings(Map<String, Integer> ports) {
    StringBuilder text =
        new StringBuilder(
            """
            global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
            rule_files: [rules.yaml]
            scrape_configs:
            - job_name: all
              honor_labels: true
              static_configs:
            """);
    ports.forEach((name, port) -> {
      int slash = name.indexOf('/');
      text.append(
          "  - {targets: ['127.0.0.1:%d'], labels: {job: %s, instance: %s}}\n"
              .formatted(port, name.substring(0, slash), name.substring(slash + 1)));
    });
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

  /** The alerts of these groups that fire, with where. */
  public List<String> firing(String groups) {
    return ask("/api/v1/rules?type=alert")
        .path("groups")
        .valueStream()
        .filter(group -> group.path("name").asText().matches(groups))
        .flatMap(group -> group.path("rules").valueStream())
        .flatMap(rule -> rule.path("alerts").valueStream())
        .filter(alert -> alert.path("state").asText().equals("firing"))
        .map(alert -> alert.path("labels"))
        .map(labels ->
            labels.path("alertname").asText() + " " + labels.path("instance").asText("everywhere"))
        .toList();
  }

  private List<Double> values(String expression) {
    String query = URLEncoder.encode(expression, StandardCharsets.UTF_8);
    return ask("/api/v1/query?query=" + query)
        .path("result")
        .valueStream()
        .map(series -> Double.valueOf(series.path("value").path(1).asText()))
        .filter(value -> !value.isNaN())
        .toList();
  }

  /** The data of what its API answers. */
  public JsonNode ask(String path) {
    String answer = get(client, address.resolve(path));
    try {
      return JSON.readTree(answer).path("data");
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
