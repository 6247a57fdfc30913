package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.cni.Container;
import io.sluice.kernel.site.Attempt;
import io.sluice.kernel.site.Await;
import io.sluice.kernel.site.Manifests;
import io.sluice.kernel.site.TcpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("kernel")
class InstallTest {
  private static final int PORT = 80;

  @ParameterizedTest
  @ValueSource(strings = {"ebpf", "iptables"})
  void installedMeshDecidesTrafficBetweenPods(String mode) throws Exception {
    try (InstalledSite site = new InstalledSite()) {
      site.install(
          List.of(
              "interception.mode=" + mode,
              "meshConfig.traffic.enablePermissiveTrafficPolicyMode=false"));
      site.cluster.history().apply(Manifests.trafficTarget("buyer", "store", List.of(PORT)));
      Container buyer = site.add("buyer");
      Container thief = site.add("thief");
      Container store = site.add("store");
      for (InetAddress address : store.addresses()) {
        InetSocketAddress shop = new InetSocketAddress(address, PORT);
        try (TcpServer server = TcpServer.open(store.network(), shop, TcpServer::echoAll)) {
          Await.untilPasses(
              Await.PATIENCE,
              () -> assertThat(Attempt.from(buyer.network(), shop, "hi").answer()).isEqualTo("hi"));
          assertThat(Attempt.from(thief.network(), shop, "hi").wasRefused()).isTrue();
          assertThat(server.accepted()).isNotEmpty();
        }
      }
      assertThat(site.node().get(15020, "/metrics")).contains("sluice_");
      System.out.println(site.node().log());
    }
  }
}
