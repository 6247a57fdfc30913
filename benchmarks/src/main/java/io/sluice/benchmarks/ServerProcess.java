package io.sluice.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program that serves until it is killed, with its output in a file. */
final class ServerProcess implements AutoCloseable {
  private static final Duration LONGEST_START = Duration.ofSeconds(60);
  private static final Duration PACE = Duration.ofMillis(20);
  private static final int LOG_LINES = 12;

  /** Something that holds once the program serves. */
  interface Condition {
    boolean holds() throws Exception;
  }

  private final Process process;
  private final Path log;

  private ServerProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /** Starts and does not wait. */
  static ServerProcess start(Path log, List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    process.getOutputStream().close();
    return new ServerProcess(process, log);
  }

  /** What stands before a command that is to run in that network; the process stays the same. */
  static List<String> entering(String namespace) {
    return List.of("nsenter", "--net=" + Testbed.NAMED_NAMESPACES.resolve(namespace), "--");
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Returns when {@code served} holds. */
  void await(Condition served) throws Exception {
    long deadline = System.nanoTime() + LONGEST_START.toNanos();
    while (!served.holds()) {
      if (!process.isAlive() || System.nanoTime() - deadline > 0) {
        throw new IOException("does not serve:\n" + lastWords());
      }
      Thread.sleep(PACE);
    }
  }

  /** The end of what it printed. */
  String lastWords() throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size()));
  }

  /** SIGKILL; returns when it has gone. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Ends what a run that cannot do so itself any more has started on files in {@code directory}.
   */
  static void killAllOf(Path directory) {
    ProcessHandle.allProcesses()
        .filter(process -> isOurs(process, directory))
        .forEach(process -> {
          process.destroyForcibly();
          process.onExit().orTimeout(10, TimeUnit.SECONDS).join();
        });
  }

  /** An editor or pager on such a file is somebody else's. */
  private static boolean isOurs(ProcessHandle process, Path directory) {
    String program = process.info().command().orElse("");
    return (program.endsWith("/java") || program.endsWith("/haproxy"))
        && process.pid() != ProcessHandle.current().pid()
        && arguments(process).stream().anyMatch(argument -> argument.startsWith(directory + "/"));
  }

  /** All of them: the JDK gives none where they are longer than a page. */
  private static List<String> arguments(ProcessHandle process) {
    try {
      Path file = Path.of("/proc", Long.toString(process.pid()), "cmdline");
      return List.of(Files.readString(file).split("\0", -1));
    } catch (IOException e) {
      return List.of(); // it has gone
    }
  }
}
