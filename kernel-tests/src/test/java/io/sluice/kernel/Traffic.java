package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Callers;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Clients that call all the time, and the servers that they call. */
final class Traffic implements AutoCloseable {
  private static final int CALLS = 20;

  private final Map<String, Callers> callers = new TreeMap<>();
  private final List<TcpServer> servers = new ArrayList<>();
  private final Map<String, TcpServer> byServer = new TreeMap<>();

  void begin(SitePod client, SitePod server, Family family) {
    TcpServer echo =
        byServer.computeIfAbsent(
            server.name() + family,
            _ -> {
              TcpServer opened = TcpServer.echo(server, family, Shop.STORE_PORT);
              servers.add(opened);
              return opened;
            });
    callers.put(
        client.name() + " to " + server.name() + " by " + family,
        new Callers(client, server.at(family, echo.port())));
  }

  /** Every client has some answers more. */
  void awaitMore() {
    callers.forEach((name, one) -> {
      long before = one.answered();
      Await.until(name + " is answered", () -> one.answered() >= before + CALLS);
    });
  }

  void assertRefused(SitePod server, SitePod... clients) {
    for (Family family : Family.values()) {
      for (SitePod client : clients) {
        Attempt attempt = Attempt.from(client, server.at(family, Shop.STORE_PORT), "hi");
        assertThat(attempt.wasTurnedAway()).as("%s: %s", client.name(), attempt).isTrue();
      }
    }
  }

  void assertOneFailureAtMost(List<Mechanism> mechanisms) {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    callers.forEach((name, one) ->
        System.out.printf(
            "retirement %s, %s: %d answered, %d failed, gap %d ms, load %.1f %s%n",
            mechanisms,
            name,
            one.answered(),
            one.failed().size(),
            one.gap().toMillis(),
            load,
            one.failed()));
    callers.forEach((name, one) -> assertThat(one.failed()).as(name).hasSizeLessThan(2));
  }

  @Override
  public void close() {
    callers.values().forEach(Callers::close);
    servers.forEach(TcpServer::close);
  }
}
