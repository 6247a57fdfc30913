package io.sluice.lab.demo;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The controller, as a process and on a machine of its own. */
final class NodesController {
  /** The shortest there is, so that the demo sees a renewal. */
  static final String LEAF_LIFETIME = "60s";

  private static final Duration START_DEADLINE = Duration.ofSeconds(20);
  private static final long COMMAND_SECONDS = 30;
  private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  private final NodesPlan plan;
  private @Nullable Process process;

  NodesController(NodesPlan plan) {
    this.plan = plan;
  }

  /** Starts it; returns when it can be called, and how long that took. */
  Duration start() throws IOException, InterruptedException {
    Files.createDirectories(plan.controlDirectory());
    long begin = System.nanoTime();
    ProcessBuilder builder =
        JavaCommand.daemon(
            log(),
            List.of(
                "control",
                "run",
                "--registry",
                plan.demo().registry().toString(),
                "--state",
                state().toString(),
                "--leaf-lifetime",
                LEAF_LIFETIME,
                "--metrics-address",
                "127.0.0.1:0"));
    Process started = inside(builder::start);
    process = started;
    if (!Await.until(START_DEADLINE, () -> !started.isAlive() || answers()) || !started.isAlive()) {
      throw new DemoException("the controller is not ready" + logTail());
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  private boolean answers() {
    InetSocketAddress address =
        new InetSocketAddress(plan.controller(IpFamily.IPV6), MeshPorts.CONTROL);
    try {
      inside(() -> SocketChannel.open(address)).close();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private <T> T inside(Callable<T> body) throws IOException {
    try (NetnsHandle netns = NAMESPACES.open(DemoPlan.path(plan.demo().controlNetwork()))) {
      return NAMESPACES.callIn(netns, body);
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("nothing else is thrown here", e);
    }
  }

  /** Where nodes reach it: the value of {@code --control}. */
  String address() {
    return IpAddresses.text(
        new InetSocketAddress(plan.controller(IpFamily.IPV6), MeshPorts.CONTROL));
  }

  /** A new token for a node, in a file that only root can read. */
  Path joinToken(DemoNode node) throws IOException, InterruptedException {
    Path file = plan.controlDirectory().resolve("join-" + node.name());
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    run(List.of("token", "--node", node.name()), file);
    return file;
  }

  /** Begins to distribute a new root. */
  void rotateRoot(String distributeFor) throws IOException, InterruptedException {
    run(
        List.of("rotate-root", "--now-distribute-for", distributeFor),
        plan.controlDirectory().resolve("rotate.log"));
  }

  private void run(List<String> words, Path output) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("control"));
    command.addAll(words);
    command.addAll(List.of("--state", state().toString()));
    Path errors = plan.controlDirectory().resolve("errors.log");
    Process running =
        JavaCommand.program(errors, command)
            .redirectErrorStream(false)
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.to(errors.toFile()))
            .start();
    if (!running.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
      running.destroyForcibly().waitFor();
      throw new DemoException("`sluice " + String.join(" ", command) + "` does not end");
    } else if (running.exitValue() != 0) {
      throw new DemoException(
          "`sluice "
              + String.join(" ", command)
              + "` failed: "
              + Files.readString(errors).strip().replace('\n', ' '));
    }
  }

  private Path state() {
    return plan.controlDirectory().resolve("state");
  }

  private Path log() {
    return plan.controlDirectory().resolve("control.log");
  }

  /** Its last words, for a failure. */
  String logTail() {
    int most = 15;
    try {
      List<String> lines = Files.readAllLines(log());
      return "; its log ends with:\n  "
          + String.join("\n  ", lines.subList(Math.max(0, lines.size() - most), lines.size()));
    } catch (IOException e) {
      return "; it has no log";
    }
  }

  /** SIGKILL; returns when it has gone. */
  void kill() throws InterruptedException {
    Process running = process;
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }
}
