package io.sluice.kernel.site;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.node.fault.FaultPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code sluice node run} as a child process, since the sockets of the test must not be in the
 * daemon's cgroup. Its network namespace is the node of the site.
 */
public final class DaemonProcess {
  private static final Duration START_PATIENCE = Await.patience(30);
  private static final Duration STOP_PATIENCE = Await.patience(30);
  private static final int LOG_TAIL_LINES = 30;

  private final SitePod node;
  private final String nodeName;
  private final Path registry;
  private final Path state;
  private final List<String> prefix;
  private final List<String> arguments;
  private final DaemonView view;
  private @Nullable Process process;
  private Duration lastStart = Duration.ZERO;

  DaemonProcess(
      SitePod node,
      String nodeName,
      Path registry,
      Path state,
      List<String> prefix,
      List<String> arguments) {
    this.node = node;
    this.nodeName = nodeName;
    this.registry = registry;
    this.state = state;
    this.prefix = List.copyOf(prefix);
    this.arguments = List.copyOf(arguments);
    this.view = new DaemonView(node, nodeName, state);
  }

  /** What the daemon tells about itself. */
  public DaemonView view() {
    return view;
  }

  /** Starts it and returns when it is ready; fails with its log when it is not. */
  public void start() {
    start(List.of());
  }

  /** The same, but it will die by itself when it first comes to {@code point}. */
  public void startToDieAt(FaultPoint point) {
    start(List.of("-Dsluice.halt-at=" + point.name().toLowerCase(Locale.ROOT)));
  }

  private void start(List<String> options) {
    long begin = System.nanoTime();
    Process started = spawn(options);
    process = started;
    try {
      Await.until(
          "the daemon is ready",
          START_PATIENCE,
          () -> {
            if (!started.isAlive()) {
              return true;
            }
            JsonNode status = view.status();
            return status.path("pid").asLong() == started.pid() && status.path("ready").asBoolean();
          });
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; its log ends:\n" + logTail(), e);
    }
    lastStart = Duration.ofNanos(System.nanoTime() - begin);
    if (!started.isAlive()) {
      throw new AssertionError("the daemon ended at once; its log ends:\n" + logTail());
    }
  }

  private Process spawn(List<String> options) {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(JavaCommand.sluice());
    command.addAll(prefix.size() + 1, options); // the JVM's own go before its main class
    command.addAll(
        List.of(
            "node",
            "run",
            "--registry",
            registry.toString(),
            "--node-name",
            nodeName,
            "--state",
            state.toString(),
            "--metrics-address",
            "127.0.0.1:0"));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(logFile().toFile()));
    builder.environment().put("MALLOC_ARENA_MAX", "1");
    return node.call(builder::start); // a child is born in the namespace of the forking thread
  }

  /** Wall time from the last fork to its readiness, as an observer sees it. */
  public Duration lastStart() {
    return lastStart;
  }

  /** Its process id. */
  public long pid() {
    return running().pid();
  }

  /** Whether it runs. */
  public boolean isAlive() {
    Process present = process;
    return present != null && present.isAlive();
  }

  /** SIGKILL, and waits for the end. */
  public void kill() {
    running().destroyForcibly();
    awaitEnd();
  }

  /** SIGTERM, and returns at once. */
  public void terminate() {
    running().destroy();
  }

  /** Waits for the end. */
  public void awaitEnd() {
    try {
      if (!running().waitFor(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("the daemon does not end; its log ends:\n" + logTail());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the daemon ended", e);
    }
  }

  /** Open descriptors of the process. */
  public int descriptors() {
    try (var entries = Files.list(Path.of("/proc", Long.toString(pid()), "fd"))) {
      return (int) entries.count();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot count the daemon's descriptors", e);
    }
  }

  /** Everything it has printed. */
  public String log() {
    try {
      return Files.readString(logFile(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(no log: " + e.getMessage() + ")";
    }
  }

  /** The last line of it. */
  public String lastWords() {
    return log().lines().toList().getLast();
  }

  private Path logFile() {
    return state.resolveSibling("daemon.log");
  }

  private String logTail() {
    List<String> lines = log().lines().toList();
    return String.join(
        "\n", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
  }

  private Process running() {
    Process present = process;
    if (present == null) {
      throw new IllegalStateException("the daemon was never started");
    }
    return present;
  }
}
