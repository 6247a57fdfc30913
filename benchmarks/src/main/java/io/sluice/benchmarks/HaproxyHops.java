package io.sluice.benchmarks;

import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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

  private static final Duration LONGEST_START = Duration.ofSeconds(60);

  private final List<ChildProgram> processes = new ArrayList<>();

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
            + directory.resolve("ca.crt")
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
    processes.getFirst().awaitReady(LONGEST_START, () -> CrossingReadiness.answers(path));
  }

  /** In the foreground, as one process with a thread for each core. */
  private void start(SitePod pod, Path directory, String side, String configuration)
      throws IOException {
    Path file = directory.resolve(side + ".cfg");
    Files.writeString(file, configuration);
    ChildProgram process = new ChildProgram("haproxy", pod, directory.resolve(side + ".out"));
    processes.add(process);
    // Its threads may have the arenas that our daemons do without.
    process.start(
        List.of("env", "-u", "MALLOC_ARENA_MAX", "haproxy", "-db", "-f", file.toString()));
  }

  private static void makeCertificates(Path directory) throws IOException {
    OpensslCertificate root = OpensslCertificate.root(directory, "ca");
    for (String side : List.of("client", "server")) {
      OpensslCertificate made = root.signs(side, "spiffe://cluster.local/ns/bench/sa/" + side);
      Files.writeString(
          directory.resolve(side + ".both.pem"),
          Files.readString(made.certificate()) + Files.readString(made.key()));
    }
  }

  /** Both processes. */
  ProcessUse hops() {
    return new ProcessUse(processes.stream().map(process -> process.running().pid()).toList());
  }

  @Override
  public void close() {
    processes.forEach(ChildProgram::close);
  }
}
