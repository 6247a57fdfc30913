package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.JavaCommand;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.InterceptionMode;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The daemon of a node, and what the demo asks it. */
final class DemoDaemon {
  private static final Duration START_DEADLINE = Duration.ofSeconds(60);
  private static final Duration STOP_DEADLINE = Duration.ofSeconds(15);

  private final DaemonProcess process;
  private DemoMode mode;
  private long startedNanos;

  /** With the arguments of {@code node run} that say where the mesh is described. */
  DemoDaemon(DemoNode node, InterceptionMode asked, List<String> source) {
    this.mode = DemoMode.undecided(asked);
    List<String> launch = // it shows what the proxy does
        JavaCommand.sluice(
            "node", "run", "--mode", asked.name(), "--drain-seconds", "1", "--fast-path", "false");
    this.process =
        new DaemonProcess(node.machine(), node.name(), launch, node.state(), List.of(), source);
    process.inOwnSession(); // it may be kept
  }

  /** Starts it and returns at once. */
  void start() {
    startedNanos = System.nanoTime();
    process.begin();
  }

  /** Waits until it enforces; returns how long that took from the start of its process. */
  Duration awaitReady() throws InterruptedException {
    if (!Await.until(START_DEADLINE, () -> failIfEnded() || isReady())) {
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
    if (!process.isAlive()) {
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
    } catch (UncheckedIOException e) {
      return false; // its socket is not there yet
    }
  }

  JsonNode status() {
    return process.view().status();
  }

  List<JsonNode> ask(String command) {
    return process.view().ask(command);
  }

  /** How many events about {@code pod} it tells with that reason. */
  long events(DemoPod pod, Reason reason) {
    return ask("events").stream()
        .filter(event -> event.path("pod").asText().equals(pod.meshName()))
        .filter(event -> event.path("reason").asText().equals(reason.label()))
        .count();
  }

  /** The rows of one map by column; of its pins where it does not run. */
  List<Map<String, String>> dump(String map) {
    return process.view().dump(map);
  }

  /** Whether every pod is what the newest state of the folder asks for. */
  boolean hasSettled() {
    JsonNode status = status();
    return status.path("enforcedRevision").asLong() >= status.path("snapshotRevision").asLong();
  }

  /** What /metrics says now. */
  List<MetricSample> metrics() {
    String answer = process.view().metrics();
    return MetricSample.parse(answer.substring(answer.indexOf("\r\n\r\n") + 4)); // the body
  }

  /** The records of its access log so far. */
  List<JsonNode> accessLog() {
    return process.view().accessLog();
  }

  /** Everything it has logged. */
  String log() {
    return process.log();
  }

  /** Its last words, for a failure. */
  String logTail() {
    return "; its log ends with:\n  " + process.logTail().replace("\n", "\n  ");
  }

  /** SIGKILL; returns when it has gone. */
  void kill() {
    process.close();
  }

  /** SIGTERM, and SIGKILL when it does not obey. */
  void stop() throws InterruptedException {
    if (process.isAlive()) {
      process.terminate();
      Await.until(STOP_DEADLINE, () -> !process.isAlive());
      process.close();
    }
  }
}
