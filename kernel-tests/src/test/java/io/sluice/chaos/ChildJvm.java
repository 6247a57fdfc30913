package io.sluice.chaos;

import io.sluice.lab.site.Commands;
import io.sluice.lab.site.JavaCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A program of this test in a JVM of its own that dies at any moment and is started again. Its log
 * goes to one file over all its lives. For one thread.
 */
final class ChildJvm {
  private static final Duration END_PATIENCE = Duration.ofSeconds(20);

  private final Path home;
  private final Class<?> program;
  private final Consumer<String> listener;
  private volatile @Nullable Process process;
  private BlockingQueue<String> written = new LinkedBlockingQueue<>();
  private int dumps;
  private boolean isPaused;

  /**
   * Starts nothing.
   *
   * @param home directory for its log and what it is asked for
   * @param listener told of every line that the program says; called on a thread for each life
   */
  ChildJvm(Path home, Class<?> program, Consumer<String> listener) {
    this.home = home;
    this.program = program;
    this.listener = listener;
    // Others end with their standard input, one that is stopped would not even do that.
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(this::endWithThisProcess));
  }

  private void endWithThisProcess() {
    Process last = process;
    if (last != null) {
      last.destroyForcibly();
    }
  }

  Path log() {
    return home.resolve("log");
  }

  /** Starts it anew, where it does not run, and returns at once. */
  void start(List<String> properties, List<String> arguments) {
    if (isAlive()) {
      return;
    }
    List<String> command = new ArrayList<>(JavaCommand.program(program.getName()));
    command.addAll(1, properties);
    command.addAll(arguments);
    try {
      Process started =
          new ProcessBuilder(command)
              .redirectError(ProcessBuilder.Redirect.appendTo(log().toFile()))
              .start();
      BlockingQueue<String> answers = new LinkedBlockingQueue<>();
      process = started;
      written = answers;
      isPaused = false;
      Thread.ofVirtual().name("chaos-child").start(() -> read(started, answers));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + program, e);
    }
  }

  private void read(Process started, BlockingQueue<String> answers) {
    try (BufferedReader lines = started.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith(Dumps.WRITTEN)) {
          answers.add(line.substring(Dumps.WRITTEN.length()));
        } else {
          listener.accept(line);
        }
      }
    } catch (IOException e) {
      // It was killed in the middle of a line.
    }
  }

  boolean isAlive() {
    Process present = process;
    return present != null && present.isAlive();
  }

  /** SIGKILL, and waits for the end. Nothing where it does not run. */
  void kill() {
    if (process != null) {
      process.destroyForcibly();
      awaitEnd();
    }
  }

  /** Waits until it has ended by itself. */
  void awaitEnd() {
    try {
      if (process != null && !process.waitFor(END_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IllegalStateException(program + " does not end; its log is " + log());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + program + " ended", e);
    }
  }

  /** SIGSTOP: its sockets stay, and nothing is answered. */
  void pause() {
    if (isAlive() && !isPaused) {
      signal("STOP");
      isPaused = true;
    }
  }

  /** SIGCONT. */
  void resume() {
    if (isAlive() && isPaused) {
      signal("CONT");
      isPaused = false;
    }
  }

  private void signal(String name) {
    if (process != null) {
      Commands.run("kill", "-" + name, Long.toString(process.pid()));
    }
  }

  /** What it holds now; empty where it does not answer in time. */
  Optional<byte[]> dump(Duration patience) {
    if (process == null || !process.isAlive()) {
      return Optional.empty();
    }
    Path file = home.resolve("dump-" + ++dumps);
    try {
      process.getOutputStream().write((file + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
      long end = System.nanoTime() + patience.toNanos();
      for (long left = patience.toNanos(); left > 0; left = end - System.nanoTime()) {
        String answered = written.poll(left, TimeUnit.NANOSECONDS);
        if (file.toString().equals(answered)) {
          return Optional.of(Dumps.read(file));
        }
      }
    } catch (IOException e) {
      // It has ended meanwhile.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Optional.empty();
  }
}
