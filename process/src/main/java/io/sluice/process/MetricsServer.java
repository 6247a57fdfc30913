package io.sluice.process;

import io.prometheus.client.exporter.common.TextFormat;
import io.sluice.mesh.Printable;
import io.sluice.process.PageServer.Answer;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Serves {@code /metrics}, {@code /healthz} (the process answers) and {@code /readyz} (the daemon
 * does all that it was asked for; then which pods are not protected, a line each; else why it does
 * not).
 */
public final class MetricsServer {
  private static final String OK = "200 OK";

  private MetricsServer() {}

  /** Takes {@code address}, for who may not begin without it; port 0 takes a free one. */
  public static PageServer.Bound bind(InetSocketAddress address) {
    return PageServer.bind(address, "metrics", "--metrics-address");
  }

  /**
   * Serves on {@code address}.
   *
   * @param missing why the process is not ready; nothing where it is
   * @param unprotected what else an operator should know, whole lines
   */
  public static PageServer start(
      PageServer.Bound address,
      PageServer.Page metrics,
      Supplier<Optional<String>> missing,
      Supplier<String> unprotected) {
    return address.serve(path ->
        switch (path) {
          case "/metrics" -> Optional.of(new Answer.Text(TextFormat.CONTENT_TYPE_004, metrics));
          case "/healthz" -> Optional.of(new Answer.Lines(OK, "ok\n"));
          case "/readyz" -> Optional.of(readiness(missing.get(), unprotected));
          default -> Optional.empty();
        });
  }

  private static Answer readiness(Optional<String> missing, Supplier<String> unprotected) {
    return missing
        .map(why ->
            new Answer.Lines("503 Service Unavailable", "not ready: " + Printable.line(why) + "\n"))
        .orElseGet(() -> new Answer.Lines(OK, "ready\n" + unprotected.get()));
  }
}
