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
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What one builds without a mesh: a proxy in the client's pod, to which the client is pointed, TLS
 * 1.3 with certificates on both sides, and one in the server's pod. Keys of P-256, a full handshake
 * for each connection of the two, since only that proves who calls; all else as Debian has it. The
 * port of HTTP is served as such, and requests are decided at the server's side; all others are
 * TCP.
 */
final class PeerHops implements AutoCloseable {
  private static final int TLS_PORT_OFFSET = 20_000;

  /** Of bytes. */
  static final List<Integer> PORTS =
      IntStream.rangeClosed(LoadServer.ECHO_PORT, LoadServer.HOLD_PORT).boxed().toList();

  private static final String HAPROXY =
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

  /**
   * Its certificates are those of the side; {@code %1$s} is the directory, {@code %2$s} the side.
   */
  private static final String HAPROXY_TLS =
      " ssl crt %1$s/%2$s.both.pem ca-file %1$s/ca.crt verify required";

  private static final String HAPROXY_SERVICE =
      """
      listen p%1$s
        %5$s
        bind %1$s%2$s
        server s %3$s%4$s
      """;

  /**
   * Connections between the two are used again for whatever client of the pod asks: all are the
   * same who calls.
   */
  private static final String HAPROXY_HTTP = "mode http\n  http-reuse always";

  private static final String HAPROXY_DECISION =
      "\n  http-request deny deny_status 403 unless { path_reg ^/load/.* }";

  /** As root, since everything of this run is root's. */
  private static final String NGINX =
      """
      load_module /usr/lib/nginx/modules/ngx_stream_module.so;
      daemon off;
      user root;
      pid %1$s/%2$s.pid;
      error_log stderr error;
      worker_processes auto;
      events { worker_connections 8192; }
      """;

  /** Means the same of streams and of HTTP. */
  private static final String NGINX_TLS =
      """
        ssl_protocols TLSv1.3;
        ssl_ecdh_curve prime256v1;
        ssl_certificate %1$s/%2$s.both.pem;
        ssl_certificate_key %1$s/%2$s.both.pem;
        ssl_client_certificate %1$s/ca.crt;
        ssl_verify_client on;
        ssl_session_cache off;
        ssl_session_tickets off;
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_certificate %1$s/%2$s.both.pem;
        proxy_ssl_certificate_key %1$s/%2$s.both.pem;
        proxy_ssl_trusted_certificate %1$s/ca.crt;
        proxy_ssl_verify on;
        proxy_ssl_name server;
        proxy_ssl_session_reuse off;
      """;

  private static final String NGINX_STREAMS =
      """
      stream {
        proxy_connect_timeout 5s;
        proxy_timeout 1h;
      %1$s%2$s}
      """;

  private static final String NGINX_STREAM =
      """
        server { listen %1$s%2$s; proxy_pass %3$s; %4$s }
      """;

  /** Nothing goes through files. */
  private static final String NGINX_HTTP =
      """
      http {
        access_log off;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
        client_max_body_size 0;
        proxy_request_buffering off;
        proxy_max_temp_file_size 0;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_read_timeout 1h;
      %1$s%2$s}
      """;

  /** One keeps as many connections to the next as there are clients at once. */
  private static final String NGINX_HTTP_SERVICE =
      """
        upstream next { server %3$s; keepalive 64; keepalive_requests 1000000000; }
        server { listen %1$s%2$s; location / { %4$s } }
      """;

  private static final String NGINX_DECISION =
      "proxy_pass http://next; } location ~ ^/(?!load/) { return 403;";

  private static final Duration LONGEST_START = Duration.ofSeconds(60);

  private final List<ChildProgram> processes = new ArrayList<>();
  private final NodesTestbed testbed;
  private final Crossing peer;
  private final Path directory;

  private PeerHops(NodesTestbed testbed, Crossing peer, Path directory) {
    this.testbed = testbed;
    this.peer = peer;
    this.directory = directory;
  }

  /**
   * Returns once the path is served.
   *
   * @param peers of which this is one
   * @param runDirectory in which one is made for certificates, configurations, logs
   */
  static PeerHops start(NodesTestbed testbed, Peers peers, Crossing peer, Path runDirectory)
      throws Exception {
    Path own = Files.createDirectory(runDirectory.resolve("peer" + peer.ordinal()));
    PeerHops hops = new PeerHops(testbed, peer, own);
    try {
      if (peer == Crossing.HBONE) {
        hops.startHbone(Objects.requireNonNull(peers.hboneOrNull()));
      } else {
        hops.start();
      }
      return hops;
    } catch (Exception | AssertionError e) {
      hops.close();
      throw e;
    }
  }

  private void start() throws Exception {
    makeCertificates();
    start(testbed.pod(peer, 0), "client");
    start(testbed.pod(peer, 1), "server");
    LoadPath path = testbed.path(peer);
    processes.getFirst().awaitReady(LONGEST_START, () -> CrossingReadiness.answers(path));
  }

  private void startHbone(Path program) throws Exception {
    HbonePeer hbone = new HbonePeer(program, testbed.path(peer), directory);
    for (int side = 0; side < 2; side++) {
      String name = side == 0 ? "client" : "server";
      ChildProgram process =
          new ChildProgram(
              program + " " + name, testbed.pod(peer, side), directory.resolve(name + ".out"));
      processes.add(process);
      process.start(hbone.command(name));
    }
    hbone.awaitServed(processes.getFirst(), processes.getLast());
  }

  /** Instead of what {@code fault} says of its consequences, where one of the two has ended. */
  void requireAlive(Exception fault) throws IOException {
    for (ChildProgram process : processes) {
      if (!process.isAlive()) {
        throw new IOException(process.told(""), fault);
      }
    }
  }

  /** In the foreground, with a thread or process for each core. */
  private void start(SitePod pod, String side) throws IOException {
    boolean isNginx = peer == Crossing.NGINX;
    Path file = directory.resolve(side + ".conf");
    Files.writeString(file, isNginx ? nginx(side) : haproxy(side));
    String program = isNginx ? "nginx" : "haproxy";
    ChildProgram process = new ChildProgram(program, pod, directory.resolve(side + ".out"));
    processes.add(process);
    // Its threads may have the arenas that our daemons do without.
    List<String> command = new ArrayList<>(List.of("env", "-u", "MALLOC_ARENA_MAX", program));
    command.addAll(
        isNginx
            ? List.of("-e", "stderr", "-c", file.toString())
            : List.of("-db", "-f", file.toString()));
    process.start(command);
  }

  private String haproxy(String side) {
    String tls = HAPROXY_TLS.formatted(directory, side);
    boolean isClient = side.equals("client");
    String listening = isClient ? "" : tls;
    String connecting = isClient ? tls + " no-ssl-reuse" : "";
    return HAPROXY
        + services(HAPROXY_SERVICE, side, listening, connecting, "")
        + service(
            HAPROXY_SERVICE,
            side,
            LoadServer.HTTP_PORT,
            listening,
            connecting,
            HAPROXY_HTTP + (isClient ? "" : HAPROXY_DECISION));
  }

  private String nginx(String side) {
    String tls = NGINX_TLS.formatted(directory, side);
    boolean isClient = side.equals("client");
    String listening = isClient ? "" : " ssl";
    return NGINX.formatted(directory, side)
        + NGINX_STREAMS.formatted(
            tls, services(NGINX_STREAM, side, listening, isClient ? "proxy_ssl on;" : "", ""))
        + NGINX_HTTP.formatted(
            tls,
            service(
                NGINX_HTTP_SERVICE,
                side,
                LoadServer.HTTP_PORT,
                listening,
                isClient ? "proxy_pass https://next;" : NGINX_DECISION,
                ""));
  }

  /** One for each port of bytes. */
  private String services(
      String template, String side, String listening, String connecting, String more) {
    return PORTS.stream()
        .map(port -> service(template, side, port, listening, connecting, more))
        .collect(Collectors.joining());
  }

  /** Where it listens, how, where it connects, how, and what else. */
  private String service(
      String template, String side, int port, String listening, String connecting, String more) {
    LoadPath path = testbed.path(peer);
    String between = path.serverAddress() + ":" + (port + TLS_PORT_OFFSET);
    String from = path.target() + ":" + (port + path.portOffset());
    String to = path.serverAddress() + ":" + port;
    return side.equals("client")
        ? template.formatted(from, listening, between, connecting, more)
        : template.formatted(between, listening, to, connecting, more);
  }

  private void makeCertificates() throws IOException {
    OpensslCertificate root = OpensslCertificate.root(directory, "ca");
    for (String side : List.of("client", "server")) {
      // The name as well: nginx believes no upstream without one.
      OpensslCertificate made =
          root.signs(side, "spiffe://cluster.local/ns/bench/sa/" + side + ",DNS:" + side);
      Files.writeString(
          directory.resolve(side + ".both.pem"),
          Files.readString(made.certificate()) + Files.readString(made.key()));
    }
  }

  /** Both processes, with their workers. */
  ProcessUse hops() {
    return ProcessUse.withChildren(
        processes.stream().map(process -> process.running().toHandle()).toList());
  }

  @Override
  public void close() {
    for (ChildProgram process : processes) {
      List<ProcessHandle> workers =
          process.isAlive() ? process.running().descendants().toList() : List.of();
      process.close();
      workers.forEach(ProcessHandle::destroyForcibly); // they outlive the one that started them
    }
  }
}
