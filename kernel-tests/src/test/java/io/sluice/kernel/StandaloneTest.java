package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.ControlView;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Controller and daemon of a site of one machine in one process, by rules; by programs {@link
 * CheckOnNodeTest} has one.
 */
@Tag("kernel")
@Tag("long")
class StandaloneTest {
  private static final int PORT = 9090; // of no Service

  @Test
  void hasCertificatesDistributionAndAStoredSnapshotWithoutAnyOtherProcess() {
    try (Cluster cluster = cluster()) {
      start(cluster, Mechanism.IPTABLES);

      assertServesByItself(cluster);
    }
  }

  /** Of one node, which is not started yet: the buyer may reach the store, the thief nobody. */
  static Cluster cluster() {
    Cluster cluster = new Cluster(List.of("buyer", "thief", "store"));
    RegistryFolder registry = cluster.registry();
    registry.write("namespace", Manifests.namespace());
    registry.write("mesh-config", Manifests.meshConfig(Map.of()));
    registry.write("buyer-to-store", Manifests.trafficTarget("buyer", "store", List.of()));
    cluster.site("a").pods().forEach(registry::write);
    return cluster;
  }

  /** Returns when every pod has its certificate. */
  static void start(Cluster cluster, Mechanism mechanism) {
    Site site = cluster.site("a");
    site.startDaemon(mechanism.arguments("--standalone"));
    cluster.awaitCertificates(site.pods());
  }

  /** Also when it starts again. */
  static void assertServesByItself(Cluster cluster) {
    DaemonProcess daemon = cluster.site("a").daemon();
    ControlView control = new ControlView(cluster.site("a").state().resolve("controller"));
    assertThat(daemon.view().status().path("snapshotFrom").asText()).isEqualTo("controller");
    assertServed(cluster, "buyer", true);
    assertServed(cluster, "thief", false);

    long before = control.revision();
    cluster
        .registry()
        .write("thief-to-store", Manifests.trafficTarget("thief", "store", List.of()));
    Await.until("the node follows", () -> control.isFollowedSince(before));
    assertServed(cluster, "thief", true);

    cluster.registry().remove("thief-to-store");
    daemon.kill();
    daemon.start();
    Await.until("the node follows again", () -> control.isFollowedSince(0));
    assertServed(cluster, "buyer", true);
    assertServed(cluster, "thief", false);
  }

  private static void assertServed(Cluster cluster, String client, boolean served) {
    SitePod store = cluster.pod("store");
    for (Family family : Family.values()) {
      try (TcpServer server = TcpServer.echo(store, family, PORT)) {
        Attempt attempt = Attempt.from(cluster.pod(client), store.at(family, PORT), "hi");
        assertThat(attempt.answered()).as("%s", attempt).isEqualTo(served);
        assertThat(server.accepted()).hasSize(served ? 1 : 0);
      }
    }
  }
}
