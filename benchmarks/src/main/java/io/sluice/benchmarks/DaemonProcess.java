package io.sluice.benchmarks;

import io.sluice.linux.memory.ProcessMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A node daemon started as an operator starts it: by the launcher, with the product's flags. */
final class DaemonProcess implements AutoCloseable {
  private final ServerProcess process;

  private DaemonProcess(ServerProcess process) {
    this.process = process;
  }

  /** Starts and does not wait; {@code state} also takes the log. */
  static DaemonProcess start(
      Path launcher, String nodeName, Path registry, Path state, List<String> options)
      throws IOException {
    return start(List.of(), launcher, nodeName, registry, state, options);
  }

  /** The same behind {@code before}, a command that becomes the one which follows it. */
  static DaemonProcess start(
      List<String> before,
      Path launcher,
      String nodeName,
      Path registry,
      Path state,
      List<String> options)
      throws IOException {
    List<String> command = new ArrayList<>(before);
    command.addAll(
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
    return new DaemonProcess(ServerProcess.start(state.resolve("daemon.out"), command));
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
    return ProcessUse.of(pid()).cpuSeconds();
  }

  /** The end of what it printed. */
  String lastWords() throws IOException {
    return process.lastWords();
  }

  /** SIGKILL; returns when it has gone. */
  void kill() {
    process.close();
  }

  @Override
  public void close() {
    kill();
  }
}
