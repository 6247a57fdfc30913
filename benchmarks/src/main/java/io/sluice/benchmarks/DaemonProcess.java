package io.sluice.benchmarks;

import io.sluice.linux.memory.ProcessMemory;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A node daemon started as an operator starts it: by the launcher, with the product's flags. */
final class DaemonProcess implements AutoCloseable {
  /** USER_HZ, which is 100 on every architecture that Linux still supports. */
  private static final double TICKS_PER_SECOND = 100;

  private static final int USER_TIME_FIELD = 11; // counted behind the name in proc_pid_stat(5)
  private static final int LOG_LINES = 12;

  private final Process process;
  private final Path log;

  private DaemonProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /** Starts and does not wait; {@code state} also takes the log. */
  static DaemonProcess start(
      Path launcher, String nodeName, Path registry, Path state, List<String> options)
      throws IOException {
    Path log = state.resolve("daemon.out");
    List<String> command =
        new ArrayList<>(
            List.of(
                launcher.toString(),
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
    command.addAll(options);
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    process.getOutputStream().close();
    return new DaemonProcess(process, log);
  }

  /** The launcher replaces itself by the JVM, so this is the daemon's too. */
  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long residentBytes() {
    return ProcessMemory.residentBytes(pid());
  }

  long proportionalBytes() {
    return ProcessMemory.proportionalBytes(pid());
  }

  /** CPU time of all threads so far, user and system; in steps of 10 ms. */
  double cpuSeconds() throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid()), "stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(fields[USER_TIME_FIELD]) + Long.parseLong(fields[USER_TIME_FIELD + 1]))
        / TICKS_PER_SECOND;
  }

  /** The end of what it printed. */
  String lastWords() throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size()));
  }

  /** SIGKILL; returns when it has gone. */
  void kill() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    kill();
  }

  /** Ends daemons that a dead run of that node name left, and removes their pins. */
  static void removeLeftovers(String nodeName) {
    ProcessHandle.allProcesses()
        .filter(process -> runsNode(process, nodeName))
        .forEach(process -> {
          process.destroyForcibly();
          process.onExit().orTimeout(10, TimeUnit.SECONDS).join();
        });
    NodeCleanup.removeAll(nodeName);
  }

  private static boolean runsNode(ProcessHandle process, String nodeName) {
    List<String> arguments = List.of(process.info().arguments().orElse(new String[0]));
    int option = arguments.indexOf("--node-name");
    return option >= 0
        && option + 1 < arguments.size()
        && arguments.get(option + 1).equals(nodeName);
  }
}
