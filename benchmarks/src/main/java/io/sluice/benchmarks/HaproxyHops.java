package io.sluice.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What one builds without a mesh: a haproxy in the client's pod, to which the client is pointed,
 * TLS 1.3 with certificates on both sides, and a haproxy in the server's pod. TCP only, keys of
 * P-256, a full handshake for each connection, since only that proves who calls.
 */
final class HaproxyHops implements AutoCloseable {
  private static final int TLS_PORT_OFFSET = 20_000;

  private static final List<Integer> PORTS =
      IntStream.rangeClosed(LoadServer.ECHO_PORT, LoadServer.HOLD_PORT).boxed().toList();

  private static final String COMMON =
      """
      global
        maxconn 8192
        ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
        ssl-default-bind-curves P-256
        ssl-default-server-options ssl-min-ver TLSv1.3 no-tls-tickets
      defaults
        mode tcp
        timeout connect 5s
        timeout client 1h
        timeout server 1h
      """;
  private static final String SERVICE =
      """
      listen p%d
        bind %s:%d%s
        server s %s:%d%s
      """;

  private final List<ServerProcess> processes = new ArrayList<>();

  private HaproxyHops() {}

  /**
   * Returns once the path is served; {@code directory} takes certificates, configurations, logs.
   */
  static HaproxyHops start(NodesTestbed testbed, Path directory) throws Exception {
    HaproxyHops hops = new HaproxyHops();
    try {
      hops.run(testbed, directory);
      return hops;
    } catch (Exception e) {
      hops.close();
      throw e;
    }
  }

  private void run(NodesTestbed testbed, Path directory) throws Exception {
    makeCertificates(directory);
    LoadPath path = testbed.path(Crossing.HAPROXY);
    String tls =
        " ssl crt "
            + directory.resolve("%s.both.pem")
            + " ca-file "
            + directory.resolve("ca.pem")
            + " verify required";
    StringBuilder client = new StringBuilder(COMMON);
    StringBuilder server = new StringBuilder(COMMON);
    for (int port : PORTS) {
      client.append(
          SERVICE.formatted(
              port,
              path.target(),
              port + path.portOffset(),
              "",
              path.serverAddress(),
              port + TLS_PORT_OFFSET,
              tls.formatted("client") + " no-ssl-reuse"));
      server.append(
          SERVICE.formatted(
              port,
              path.serverAddress(),
              port + TLS_PORT_OFFSET,
              tls.formatted("server"),
              path.serverAddress(),
              port,
              ""));
    }
    start(testbed.pod(Crossing.HAPROXY, 0), directory, "client", client.toString());
    start(testbed.pod(Crossing.HAPROXY, 1), directory, "server", server.toString());
    processes.getFirst().await(() -> CrossingReadiness.answers(path));
  }

  /** In the foreground, as one process with a thread for each core. */
  private void start(String namespace, Path directory, String side, String configuration)
      throws IOException {
    Path file = directory.resolve(side + ".cfg");
    Files.writeString(file, configuration);
    List<String> command = new ArrayList<>(ServerProcess.entering(namespace));
    command.addAll(List.of("haproxy", "-db", "-f", file.toString()));
    processes.add(ServerProcess.start(directory.resolve(side + ".out"), command));
  }

  private static void makeCertificates(Path directory) throws IOException, InterruptedException {
    openssl(
        directory,
        ("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench"
            + " -keyout ca.key -out ca.pem"));
    for (String side : List.of("client", "server")) {
      openssl(
          directory,
          "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN="
              + side
              + " -CA ca.pem -CAkey ca.key -addext basicConstraints=CA:FALSE -keyout "
              + side
              + ".key -out "
              + side
              + ".pem");
      Files.writeString(
          directory.resolve(side + ".both.pem"),
          Files.readString(directory.resolve(side + ".pem"))
              + Files.readString(directory.resolve(side + ".key")));
    }
  }

  private static void openssl(Path directory, String arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments.split(" ", -1)));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("openssl " + arguments + ": " + output.strip());
    }
  }

  /** Both processes. */
  ProcessUse hops() {
    return new ProcessUse(processes.stream().map(ServerProcess::pid).toList());
  }

  @Override
  public void close() {
    processes.forEach(ServerProcess::close);
  }
}
