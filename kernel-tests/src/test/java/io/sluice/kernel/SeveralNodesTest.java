package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Two daemons on one machine under one registry: each has its own pods and nothing else. */
@Tag("kernel")
class SeveralNodesTest {
  private static final int PORT = 8080;

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.TwoNodes#mechanisms")
  void eachDaemonHasItsOwnPodsAndWorksOnWhenTheOtherDiesAndGoes(List<Mechanism> mechanisms) {
    try (Cluster cluster = open(mechanisms)) {
      Site a = cluster.site("a");
      DaemonProcess other = cluster.site("b").daemon();
      assertThat(podsOf(a.daemon())).containsExactlyInAnyOrder("shop/buyer", "shop/neighbour");
      assertThat(podsOf(other)).containsExactlyInAnyOrder("shop/thief", "shop/store");
      assertLocalTraffic(cluster);

      assertHangsAlone(cluster, a.daemon());
      other.kill();
      assertThat(serves(cluster.pod("buyer"), cluster.pod("neighbour"))).isTrue();
      assertThat(serves(cluster.pod("store"), cluster.pod("thief"))).isFalse();
      other.start();
      assertLocalTraffic(cluster);

      cluster.site("b").close();
      assertThat(podsOf(a.daemon())).containsExactlyInAnyOrder("shop/buyer", "shop/neighbour");
      assertThat(serves(cluster.pod("buyer"), cluster.pod("neighbour"))).isTrue();
      assertThat(a.daemon().view().status().path("ready").asBoolean()).isTrue();
    }
  }

  /** Of a pod whose node nobody has named, every daemon here is asked. */
  private static void assertHangsAlone(Cluster cluster, DaemonProcess first) {
    Commands.run("kill", "-STOP", Long.toString(first.pid()));
    try {
      assertThat(JavaCommand.here("proxy", "get", "ready", cluster.pod("thief").meshName()).strip())
          .isEqualTo("LIVE");
    } finally {
      Commands.run("kill", "-CONT", Long.toString(first.pid()));
    }
  }

  /** Without a controller: what is tested here needs no certificates. */
  private static Cluster open(List<Mechanism> mechanisms) {
    Cluster cluster = new Cluster(List.of("buyer", "neighbour"), List.of("thief", "store"));
    try {
      cluster.registry().write("namespace", Manifests.namespace());
      cluster.registry().write("mesh-config", Manifests.meshConfig(false, false, Map.of()));
      Stream.of("buyer-neighbour", "store-thief")
          .map(pair -> pair.split("-", -1))
          .forEach(pair ->
              cluster
                  .registry()
                  .write("to-" + pair[1], Manifests.trafficTarget(pair[0], pair[1], List.of())));
      cluster.sites().stream()
          .flatMap(site -> site.pods().stream())
          .forEach(cluster.registry()::write);
      for (int i = 0; i < mechanisms.size(); i++) {
        cluster.sites().get(i).startDaemon(mechanisms.get(i).arguments());
      }
      return cluster;
    } catch (RuntimeException | Error e) {
      cluster.close();
      throw e;
    }
  }

  private static List<String> podsOf(DaemonProcess daemon) {
    return daemon.view().pods().stream()
        .filter(pod -> pod.path("state").asText().equals("enrolled"))
        .map(pod -> pod.path("pod").asText())
        .toList();
  }

  private static void assertLocalTraffic(Cluster cluster) {
    assertThat(serves(cluster.pod("buyer"), cluster.pod("neighbour"))).isTrue();
    assertThat(serves(cluster.pod("store"), cluster.pod("thief"))).isTrue();
    assertThat(serves(cluster.pod("neighbour"), cluster.pod("buyer"))).isFalse();
    assertThat(serves(cluster.pod("thief"), cluster.pod("store"))).isFalse();
  }

  /** Whether both families agree that the one is served by the other. */
  private static boolean serves(SitePod client, SitePod server) {
    boolean[] answers = new boolean[Family.values().length];
    for (Family family : Family.values()) {
      try (TcpServer echo = TcpServer.echo(server, family, PORT)) {
        InetSocketAddress address = server.at(family, echo.port());
        Attempt attempt = Attempt.from(client, address, "hi");
        assertThat(attempt.answered() || attempt.wasTurnedAway()).as("%s", attempt).isTrue();
        answers[family.ordinal()] = attempt.answered();
      }
    }
    assertThat(answers).containsOnly(answers[0]);
    return answers[0];
  }
}
