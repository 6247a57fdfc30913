package io.sluice.scenario;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A real server in a pod, which answers every request with the pod's name. */
final class Nginx implements AutoCloseable {
  static final int HTTP = 8080;
  static final int H2C = 8081;
  static final int TLS = 8443;

  /** What has a path that begins so is answered 503. */
  static final String FAILING = "/failing/";

  /** What has a path that begins so, and goes on with the pod's own name, is answered 503. */
  static final String FAILING_IN = "/failing-in/";

  /** What has a path that begins so is refused after 4 s. */
  static final String SLOW = "/slow/";

  /** What has a path that begins so is answered with two headers too, and logged. */
  static final String JUDGED = "/judged";

  /** What has a path that begins so is answered with what it tells of its trace. */
  static final String TRACED = "/traced";

  /** What has this, an address, and a further path, is asked of that address in turn. */
  static final String VIA = "/via/";

  /** What a readiness probe asks; told of in {@link #checks}. */
  static final String READY = "/ready";

  /** Of the answer to {@code /large}. */
  static final int LARGE_BYTES = 600_000;

  private static final int SLOW_BYTES = 3_000;

  private final Process process;
  private final Path checks;
  private int hangs; // guarded by this

  /** With its files below {@code directory}, which has {@code app.crt} and {@code app.key}. */
  Nginx(SitePod pod, Path directory) {
    Path home = home(directory, pod);
    Path configuration = home.resolve("nginx.conf");
    checks = home.resolve("checks");
    try {
      Files.createDirectories(home.resolve("files"));
      Files.write(home.resolve("large"), new byte[LARGE_BYTES]);
      Files.write(home.resolve("slow"), new byte[SLOW_BYTES]);
      Files.writeString(
          configuration,
          """
          daemon off;
          master_process off;
          pid %1$s/pid;
          error_log stderr error;
          events { worker_connections 4096; }
          http {
            access_log off;
            limit_conn_zone $binary_remote_addr zone=all:64k;
            keepalive_requests 1000000;
            client_max_body_size 0;
            client_body_temp_path %1$s/body;
            proxy_temp_path %1$s/proxy;
            fastcgi_temp_path %1$s/fastcgi;
            uwsgi_temp_path %1$s/uwsgi;
            scgi_temp_path %1$s/scgi;
            server {
              listen %2$d;
              listen [::]:%2$d;
              listen %3$d http2;
              listen [::]:%3$d http2;
              listen %4$d ssl;
              listen [::]:%4$d ssl;
              ssl_certificate %5$s/app.crt;
              ssl_certificate_key %5$s/app.key;
              default_type text/plain;
              location / { return 200 "%6$s\\n"; }
              location %7$s { auth_basic slow; auth_basic_user_file /dev/null; auth_delay 4s; }
              location %8$s { return 503 "failed\n"; }
              location %13$s%6$s { return 503 "failed\n"; }
              location %9$s {
                access_log %1$s/judged;
                return 200 "%6$s $http_x_user,$http_x_secret\n";
              }
              location %11$s { return 200 "$http_traceparent,$http_b3,$http_x_b3_traceid\n"; }
              location ~ ^%12$s([0-9.]+)(/.*)$ { proxy_pass http://$1$2$is_args$args; }
              location ~ ^%12$s([0-9a-f]*:[0-9a-f:]+)(/.*)$ {
                proxy_pass http://[$1]$2$is_args$args;
              }
              location = %10$s { access_log %1$s/checks; return 200 "ready"; }
              location /files/ { root %1$s; dav_methods PUT; }
              location /fail { return 500; }
              location /large { alias %1$s/large; }
              location /slow/many { alias %1$s/slow; limit_rate 1k; }
              location /slow/one {
                alias %1$s/slow;
                limit_rate 1k;
                limit_conn all 1;
                limit_conn_status 555;
              }
            }
          }
          """
              .formatted(
                  home,
                  HTTP,
                  H2C,
                  TLS,
                  directory,
                  pod.name(),
                  SLOW,
                  FAILING,
                  JUDGED,
                  READY,
                  TRACED,
                  VIA,
                  FAILING_IN));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + configuration, e);
    }
    process = pod.start("nginx", "-e", "stderr", "-c", configuration.toString());
    Await.until(
        "nginx answers in " + pod.name(),
        () -> Attempt.from(pod, pod.at(Family.IPV6, HTTP), "GET / HTTP/1.0\r\n\r\n").answered());
  }

  private static Path home(Path directory, SitePod pod) {
    return directory.resolve("nginx-" + pod.name());
  }

  /** The log of requests for {@link #JUDGED}. */
  static Path judged(Path directory, SitePod pod) {
    return home(directory, pod).resolve("judged");
  }

  /** Who has asked whether it is ready: a line each. */
  List<String> checks() {
    try {
      return Files.exists(checks) ? Files.readAllLines(checks) : List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** It does nothing more, and closes nothing, until {@link #goOn} has been called as often. */
  synchronized void hang() {
    if (hangs++ == 0) {
      Commands.run("kill", "-STOP", Long.toString(process.pid()));
    }
  }

  synchronized void goOn() {
    if (--hangs == 0) {
      Commands.run("kill", "-CONT", Long.toString(process.pid()));
    }
  }

  @Override
  public void close() {
    process.destroy();
    Await.until("nginx has ended", () -> !process.isAlive());
  }
}
