package io.sluice.containers;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.exception.NotModifiedException;
import com.github.dockerjava.api.model.Frame;
import io.sluice.containers.ContainerSpec.Probe;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.SitePod;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The container of a pod that was started. For one thread. */
final class RunningPod {
  private static final int LOG_SECONDS = 10;

  /**
   * Three programs of the engine start each: asked as often as a page, they would be most of it.
   */
  private static final long BETWEEN_COMMANDS_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final DockerClient docker;
  private final String id;
  private final SitePod node;
  private final PodSpec spec;
  private long lastCommand = System.nanoTime() - BETWEEN_COMMANDS_NANOS;

  RunningPod(DockerClient docker, String id, SitePod node, PodSpec spec) {
    this.docker = docker;
    this.id = id;
    this.node = node;
    this.spec = spec;
  }

  String id() {
    return id;
  }

  boolean isRunning() {
    return Boolean.TRUE.equals(docker.inspectContainerCmd(id).exec().getState().getRunning());
  }

  /** Its address; that of the node's loopback where it has the node's network. */
  String address() {
    return spec.hostNetwork()
        ? "127.0.0.1"
        : docker.inspectContainerCmd(id).exec().getNetworkSettings().getNetworks().values().stream()
            .findFirst()
            .orElseThrow()
            .getIpAddress();
  }

  /** Returns when its startup and readiness probes have succeeded; else fails with its log. */
  void awaitReady() {
    awaitProbe(spec.container().startup());
    awaitProbe(spec.container().readiness());
  }

  private void awaitProbe(Optional<Probe> probe) {
    if (probe.isEmpty()) {
      return;
    }
    Duration patience =
        Await.patience(Math.max(60, probe.get().period() * probe.get().failureThreshold()));
    try {
      Await.until(
          spec.name() + " passes " + probe.get(),
          patience,
          () -> !isRunning() || passes(probe.get()));
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; its log:\n" + log(), e);
    }
    if (!isRunning()) {
      throw new AssertionError(spec.name() + " has ended; its log:\n" + log());
    }
  }

  private boolean passes(Probe probe) throws InterruptedException {
    return probe.command().isEmpty()
        ? get(probe.port(), probe.path()).startsWith("HTTP/1.1 200")
        : isDue() && exitCode(probe.command()) == 0;
  }

  private boolean isDue() {
    long now = System.nanoTime();
    if (now - lastCommand < BETWEEN_COMMANDS_NANOS) {
      return false;
    }
    lastCommand = now;
    return true;
  }

  private long exitCode(List<String> command) throws InterruptedException {
    String run = docker.execCreateCmd(id).withCmd(command.toArray(String[]::new)).exec().getId();
    try (var output = new ResultCallback.Adapter<Frame>()) {
      docker.execStartCmd(run).exec(output).awaitCompletion(LOG_SECONDS, TimeUnit.SECONDS);
      Long code = docker.inspectExecCmd(run).exec().getExitCodeLong();
      return code == null ? -1 : code;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What it answers, with its status line. */
  String get(int port, String path) {
    InetSocketAddress server = new InetSocketAddress(address(), port);
    return node.call(() -> {
      try (Socket socket = new Socket()) {
        socket.connect(server, 1_000);
        socket.setSoTimeout(5_000);
        socket
            .getOutputStream()
            .write(
                ("GET " + path + " HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      }
    });
  }

  /** Everything it has printed. */
  String log() {
    Output output = new Output();
    await(docker.logContainerCmd(id).withStdOut(true).withStdErr(true).exec(output));
    return output.text();
  }

  private static void await(Output output) {
    try {
      output.awaitCompletion(LOG_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** SIGTERM, and SIGKILL when the pod's grace is over; then it is removed. */
  void delete() {
    try {
      docker.stopContainerCmd(id).withTimeout(spec.graceSeconds()).exec();
    } catch (NotModifiedException e) {
      // It had ended by itself.
    }
    remove();
  }

  void remove() {
    docker.removeContainerCmd(id).withForce(true).exec();
  }

  private static final class Output extends ResultCallback.Adapter<Frame> {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public void onNext(Frame frame) {
      try {
        synchronized (bytes) {
          bytes.write(frame.getPayload());
        }
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    String text() {
      synchronized (bytes) {
        return bytes.toString(StandardCharsets.UTF_8);
      }
    }
  }
}
