package io.sluice.lab.site;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A program in a process of its own, in the namespace of a node or a machine, whose output goes to
 * one log over all its lives. For one thread.
 */
public final class ChildProgram implements AutoCloseable {
  private static final Duration STOP_PATIENCE = Await.patience(60);
  private static final int LOG_TAIL_LINES = 30;
  private static final int LAST_WORDS = 5;

  private final String title;
  private final SitePod namespace;
  private final Path log;
  private @Nullable Process process;
  private boolean ownSession;

  /** Named {@code title} in failures; not started yet. */
  public ChildProgram(String title, SitePod namespace, Path log) {
    this.title = title;
    this.namespace = namespace;
    this.log = log;
  }

  /** From the next start on it lives on when the terminal of this process closes. */
  public void inOwnSession() {
    ownSession = true;
  }

  /** Starts it anew and returns at once. */
  public Process start(List<String> command) {
    List<String> words = new ArrayList<>(ownSession ? List.of("setsid") : List.of());
    words.addAll(command);
    ProcessBuilder builder =
        new ProcessBuilder(words)
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().put("MALLOC_ARENA_MAX", "1");
    try {
      Files.createDirectories(log.getParent());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make the folder of " + log, e);
    }
    // A child is born in the namespace of the forking thread.
    Process started = namespace.call(builder::start);
    process = started;
    return started;
  }

  /** Waits until {@code isReady}; fails with the log when it is not in time, or has ended. */
  public void awaitReady(Duration patience, Callable<Boolean> isReady) {
    Process started = running();
    try {
      Await.until(title + " is ready", patience, () -> !started.isAlive() || isReady.call());
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; its log ends:\n" + logTail(), e);
    }
    if (!started.isAlive()) {
      throw new AssertionError(title + " ended at once; its log ends:\n" + logTail());
    }
  }

  /** Whether it runs. */
  public boolean isAlive() {
    Process present = process;
    return present != null && present.isAlive();
  }

  /** The process of its last start. */
  public Process running() {
    Process present = process;
    if (present == null) {
      throw new IllegalStateException(title + " was never started");
    }
    return present;
  }

  /** SIGKILL, and waits for the end. */
  public void kill() {
    running().destroyForcibly();
    awaitEnd();
  }

  /** Waits for the end. */
  public void awaitEnd() {
    try {
      if (!running().waitFor(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError(title + " does not end; its log ends:\n" + logTail());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + title + " ended", e);
    }
  }

  /**
   * Arguments of any process, each with a NUL behind it; empty where it has ended. The JDK gives
   * none where they are longer than a page.
   */
  public static String commandLine(long pid) {
    return words(pid, "cmdline");
  }

  /** The same of the environment that it was started with. */
  public static String environment(long pid) {
    return words(pid, "environ");
  }

  private static String words(long pid, String file) {
    try {
      byte[] words = Files.readAllBytes(Path.of("/proc", Long.toString(pid), file));
      return new String(words, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  /** One line: how it has ended, or else {@code fault}; and what it printed last. */
  public String told(String fault) {
    List<String> lines = log().strip().lines().toList();
    String last =
        String.join(" | ", lines.subList(Math.max(0, lines.size() - LAST_WORDS), lines.size()));
    return title
        + " "
        + (isAlive() ? fault : "has ended with exit code " + running().exitValue())
        + (last.isEmpty() ? "; it printed nothing" : "; it printed: " + last);
  }

  /** Everything it has printed. */
  public String log() {
    try {
      return Files.readString(log, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(no log: " + e.getMessage() + ")";
    }
  }

  /** The end of it. */
  public String logTail() {
    List<String> lines = log().lines().toList();
    return String.join(
        "\n", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
  }

  /** SIGKILL where it runs. */
  @Override
  public void close() {
    if (isAlive()) {
      kill();
    }
  }
}
