package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.LongRun;
import io.sluice.kernel.cni.Container;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Callers;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.OneAtATime;
import io.sluice.lab.site.TcpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The life of an installation: images and chart of this source tree in a real engine. */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Order(7)
@Tag("kernel")
class InstallTest {
  private static final int PORT = 80;
  private static final int METRICS = 15_020;

  /** Plugins where Debian has them, and where containerd has them. */
  static Stream<Arguments> modes() {
    return Stream.of(
            Arguments.of("ebpf", Path.of("/usr/lib/cni")),
            Arguments.of("iptables", Path.of("/opt/cni/bin")))
        .limit(LongRun.ON ? 2 : 1);
  }

  @ParameterizedTest
  @MethodSource("modes")
  void installsServesIsUpgradedAndLeavesNothing(String mode, Path plugins) throws Exception {
    List<String> values =
        List.of(
            "interception.mode=" + mode,
            "meshConfig.traffic.enablePermissiveTrafficPolicyMode=false");
    try (InstalledSite site = new InstalledSite(plugins)) {
      site.runtime.delete(site.add("before")); // the network's own plugins have been at work
      List<String> before = NodeListing.of(site);

      site.install(values);
      site.cluster.history().apply(Manifests.trafficTarget("buyer", "store", List.of(PORT)));
      Container buyer = site.add("buyer");
      Container thief = site.add("thief");
      Container store = site.add("store");
      for (InetAddress address : store.addresses()) {
        assertDecided(buyer, thief, store, new InetSocketAddress(address, PORT));
      }
      assertThat(site.node().get(METRICS, "/metrics"))
          .startsWith("HTTP/1.1 200")
          .contains("sluice_cni_chained 1");

      upgradeUnderTraffic(site, values, buyer, store);

      Set<String> pinned = NodeListing.pinned(site);
      assertThat(pinned.isEmpty()).as("pins in mode %s", mode).isEqualTo(mode.equals("iptables"));
      site.uninstall(values);

      Container after = site.add("after");
      assertThat(after.chain().findValuesAsText("type")).doesNotContain("sluice-cni");
      assertThat(NodeListing.ofNetwork(buyer.network()))
          .containsExactlyElementsOf(NodeListing.ofNetwork(after.network()));
      for (Container container : List.of(buyer, thief, store, after)) {
        site.runtime.delete(container);
      }
      pinned.retainAll(NodeListing.loaded());
      assertThat(pinned).as("what was pinned and is still loaded").isEmpty();
      assertThat(documentedToStay(NodeListing.of(site), site, plugins))
          .containsExactlyElementsOf(before);
    }
  }

  private static void assertDecided(
      Container buyer, Container thief, Container store, InetSocketAddress shop) {
    try (TcpServer server = TcpServer.open(store.network(), shop, TcpServer::echoAll)) {
      Await.untilPasses(
          Await.PATIENCE,
          () -> assertThat(Attempt.from(buyer.network(), shop, "hi").answer()).isEqualTo("hi"));
      int served = server.accepted().size();
      Attempt refused = Attempt.from(thief.network(), shop, "hi");
      assertThat(refused.wasTurnedAway()).as("%s", refused).isTrue();
      assertThat(server.accepted()).hasSize(served);
    }
  }

  /** The next daemon takes the place of the present one, and no connection fails. */
  private static void upgradeUnderTraffic(
      InstalledSite site, List<String> values, Container buyer, Container store) {
    InetSocketAddress shop = new InetSocketAddress(store.addresses().getFirst(), PORT);
    site.tagNode("next");
    List<String> next = new ArrayList<>(values);
    next.add("node.image.tag=next");
    try (TcpServer _ = TcpServer.open(store.network(), shop, TcpServer::echoAll);
        Callers callers = new Callers(buyer.network(), shop)) {
      Await.until("connections are answered", () -> callers.answered() > 10);
      site.replaceNode(next);
      long answered = callers.answered();
      Await.until(
          "connections are answered by the new daemon", () -> callers.answered() > answered + 10);
      System.out.printf(
          "upgrade %s: %d answered, %d failed, the slowest after %d ms%n",
          values.getFirst(),
          callers.answered(),
          callers.failed().size(),
          callers.slowest().toMillis());
      assertThat(callers.failed()).isEmpty();
    }
  }

  /** Without what docs/install.md says to stay. */
  private static List<String> documentedToStay(
      List<String> lines, InstalledSite site, Path plugins) {
    String node = "file " + site.cluster.onNode(Path.of("/"));
    return lines.stream()
        .filter(line -> !line.startsWith(node + "/var/lib/sluice/"))
        .filter(line -> !line.equals(node + plugins + "/sluice-cni"))
        .toList();
  }
}
