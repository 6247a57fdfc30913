package io.sluice.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.node.InterceptionMode;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The node daemon, as a process of its own. */
final class DemoDaemon {
  private static final Duration START_DEADLINE = Duration.ofSeconds(20);
  private static final int LOG_TAIL_LINES = 15;
  private static final Duration HTTP_TIMEOUT = Duration.ofSeconds(2);

  private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  private final DemoNode node;
  private final List<String> source;
  private final AdminClient admin;
  private @Nullable Process process;
  private DemoMode mode;
  private long startedNanos;

  /** With the arguments of {@code node run} that say where the mesh is described. */
  DemoDaemon(DemoNode node, InterceptionMode asked, List<String> source) {
    this.node = node;
    this.source = List.copyOf(source);
    this.mode = DemoMode.undecided(asked);
    this.admin = new AdminClient(NodeSettings.adminSocket(node.name()));
  }

  /** Starts it and returns at once. */
  void start() {
    try {
      Files.createDirectories(node.directory());
      startedNanos = System.nanoTime();
      process = inside(JavaCommand.daemon(node.daemonLog(), arguments())::start);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the daemon", e);
    }
  }

  /** A child is born, and a socket is made, in the namespace of the calling platform thread. */
  private <T> T inside(Callable<T> body) throws IOException {
    try (NetnsHandle namespace = NAMESPACES.open(node.namespace())) {
      return NAMESPACES.callIn(namespace, body);
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("nothing else is thrown here", e);
    }
  }

  private List<String> arguments() {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "node",
                "run",
                "--mode",
                mode.asked().name(),
                "--node-name",
                node.name(),
                "--state",
                node.state().toString(),
                "--metrics-address",
                "127.0.0.1:0",
                "--drain-seconds",
                "1"));
    arguments.addAll(source);
    return arguments;
  }

  /** Waits until it enforces; returns how long that took from the start of its process. */
  Duration awaitReady() throws InterruptedException {
    boolean ready = Await.until(START_DEADLINE, () -> failIfEnded() || isReady());
    if (!ready) {
      throw new DemoException("the daemon is not ready after " + START_DEADLINE + logTail());
    }
    return sinceStart();
  }

  /** How it intercepts; undecided before it was ready for the first time. */
  DemoMode mode() {
    return mode;
  }

  /** Time since its process was started. */
  Duration sinceStart() {
    return Duration.ofNanos(System.nanoTime() - startedNanos);
  }

  /** False while it runs; throws with its log when it has ended by itself. */
  boolean failIfEnded() {
    Process running = process;
    if (running == null || !running.isAlive()) {
      throw new DemoException("the daemon ended by itself" + logTail());
    }
    return false;
  }

  private boolean isReady() {
    try {
      JsonNode status = status();
      if (!status.path("ready").asBoolean()) {
        return false;
      }
      mode = DemoMode.of(mode.asked(), status);
      return true;
    } catch (IOException e) {
      return false; // its socket is not there yet
    }
  }

  JsonNode status() throws IOException {
    return admin.ask(AdminRequest.of("status")).getFirst();
  }

  List<JsonNode> ask(String command) throws IOException {
    return admin.ask(AdminRequest.of(command));
  }

  /** The rows of one map, or of what stands for it. */
  List<List<String>> dump(String map) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    for (JsonNode row : admin.ask(new AdminRequest("dump", map, false)).getFirst().path("rows")) {
      List<String> cells = new ArrayList<>();
      row.forEach(cell -> cells.add(cell.asText()));
      rows.add(cells);
    }
    return rows;
  }

  /** Whether every pod is what the newest state of the folder asks for. */
  boolean hasSettled() throws IOException {
    JsonNode status = status();
    return status.path("enforcedRevision").asLong() >= status.path("snapshotRevision").asLong();
  }

  /** What /metrics says now. */
  List<MetricSample> metrics() throws IOException {
    var url = URI.create("http://" + status().path("metricsAddress").asText() + "/metrics").toURL();
    return inside(() -> {
      var connection = url.openConnection();
      // Another node may have the same address in its own namespace: no connection is kept.
      connection.setRequestProperty("Connection", "close");
      connection.setConnectTimeout((int) HTTP_TIMEOUT.toMillis());
      connection.setReadTimeout((int) HTTP_TIMEOUT.toMillis());
      try (InputStream in = connection.getInputStream()) {
        return MetricSample.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      }
    });
  }

  /** Everything it has logged. */
  String log() {
    try {
      return Files.readString(node.daemonLog());
    } catch (IOException e) {
      return "";
    }
  }

  /** Its last words, for a failure. */
  String logTail() {
    List<String> lines = log().lines().toList();
    return "; its log ends with:\n  "
        + String.join(
            "\n  ", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
  }

  /** SIGKILL; returns when it has gone. */
  void kill() throws InterruptedException {
    Process running = process;
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }

  /** SIGTERM, and SIGKILL when it does not obey. */
  void stop() throws InterruptedException {
    Process running = process;
    if (running != null) {
      running.destroy();
      if (!running.waitFor(5, TimeUnit.SECONDS)) {
        kill();
      }
    }
  }
}
