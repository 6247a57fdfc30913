package io.sluice.benchmarks;

import io.sluice.control.StateDirectory;
import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.identity.control.JoinToken;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;

/** The controller as an operator starts it, on a folder, with its flags and metrics. */
final class ControllerProcess implements AutoCloseable {
  private static final Duration LONGEST_START = Duration.ofSeconds(60);
  private static final Duration TOKEN_LIFETIME = Duration.ofHours(1);

  private final ChildProgram process;
  private final Path state;
  private final int port;
  private final int metricsPort;

  private ControllerProcess(ChildProgram process, Path state, int port, int metricsPort) {
    this.process = process;
    this.state = state;
    this.port = port;
    this.metricsPort = metricsPort;
  }

  /** Returns when nodes can call it; everything it writes lies in {@code directory}. */
  static ControllerProcess start(Path launcher, Path registry, Path directory) throws Exception {
    Path state = directory.resolve("control"); // the controller makes it, closed to others
    Path log = directory.resolve("control.out");
    int port = TcpServer.freePort();
    int metricsPort = TcpServer.freePort();
    ChildProgram process = new ChildProgram("the controller", SitePod.thisMachine(), log);
    process.start(
        List.of(
            launcher.toString(),
            "control",
            "run",
            "--registry",
            registry.toString(),
            "--state",
            state.toString(),
            "--listen",
            "127.0.0.1:" + port,
            "--metrics-address",
            "127.0.0.1:" + metricsPort));
    ControllerProcess controller = new ControllerProcess(process, state, port, metricsPort);
    try {
      process.awaitReady(LONGEST_START, () -> Files.readString(log).contains("controller ready"));
      return controller;
    } catch (Exception e) {
      controller.close();
      throw e;
    }
  }

  ControlAddress address() {
    return ControlAddress.parse("127.0.0.1:" + port);
  }

  /** Good for one admission of that node. */
  JoinToken token(String node) {
    return JoinToken.parse(
        StateDirectory.at(state).newJoinToken(node, TOKEN_LIFETIME, InstantSource.system()));
  }

  ProcessUse use() {
    return ProcessUse.of(process.running().pid());
  }

  /** Used now, with what the next collection would free. */
  double heapBytes() throws IOException, InterruptedException {
    return metric("jvm_memory_bytes_used{area=\"heap\",}");
  }

  private double metric(String series) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + metricsPort + "/metrics"))
              .build();
      String text = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
      return text.lines()
          .filter(line -> line.startsWith(series))
          .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
          .findFirst()
          .orElseThrow(() -> new IOException("the controller has no metric " + series));
    }
  }

  /** The end of what it printed. */
  String lastWords() {
    return process.logTail();
  }

  @Override
  public void close() {
    process.close();
  }
}
