package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.TcpServer;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A second network is attached to a sandbox, as Multus does: our plugin is called once more. */
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Tag("kernel")
class SecondInterfaceTest {
  private static final String THERE = "10.88.0.1";
  private static final int PORT = 8_080;

  @ParameterizedTest
  @EnumSource(
      value = Mechanism.class,
      names = {"EBPF", "IPTABLES"})
  void itIsRefusedAndChangesNothingElseAndAnExcludedOneServesAtOnce(
      Mechanism mechanism, CniSites sites) throws Exception {
    CniSite site = sites.of(mechanism);
    try (Silence silence = Silence.around(site)) {
      site.register("pod");
      DaemonView view = site.site.daemon().view();
      assertRefused(site, silence);

      long before = view.status().path("enforcedRevision").asLong();
      site.site
          .registry()
          .write(
              "mesh-config",
              Manifests.meshConfig(
                  false, false, Map.of("networkInterfaceExclusionList", "[net1]")));
      Await.until(
          "the exclusion is in force",
          () -> view.status().path("enforcedRevision").asLong() > before);
      Container container = started(site);

      Attempt attempt = attachSecond(site, container);

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("hi");
      site.runtime.delete(container);
      site.awaitGone(container);
    } finally {
      site.writeRegistry();
      site.site.registry().remove("pod-pod");
    }
  }

  private static void assertRefused(CniSite site, Silence silence) throws Exception {
    Container container = started(site);
    long listeners = listeners(container);

    assertThat(attachSecond(site, container).answered()).isFalse();

    assertThat(site.enrolledCookie("pod")).isEqualTo(container.cookie());
    assertThat(listeners(container)).isEqualTo(listeners);
    site.runtime.callOurs("DEL", container, "net1");
    assertThat(site.enrolledCookie("pod")).isEqualTo(container.cookie());
    site.assertEnforced(container, silence);
    silence.assertKept();
    site.runtime.delete(container);
    site.awaitGone(container);
  }

  private static Container started(CniSite site) throws ContainerRuntime.PluginFailure {
    Container container = site.addWithoutOurs("pod", CniSite.uidOf("pod"));
    site.runtime.callOurs("ADD", container, "eth0");
    return container;
  }

  /** Adds {@code net1}, tells our plugin, and talks through it at once. */
  private static Attempt attachSecond(CniSite site, Container container) throws Exception {
    Commands.ip(
        container.network().netns(),
        List.of(
            "link add net1 type veth peer name net1 netns " + site.stranger.netns(),
            "addr add 10.88.0.2/24 dev net1",
            "link set net1 up"));
    Commands.ip(
        site.stranger.netns(), List.of("addr add " + THERE + "/24 dev net1", "link set net1 up"));

    String answer = site.runtime.callOurs("ADD", container, "net1");

    assertThat(new ObjectMapper().readTree(answer)).isEqualTo(container.result());
    InetSocketAddress there = new InetSocketAddress(IpAddresses.parse(THERE), PORT);
    try (TcpServer server = TcpServer.open(site.stranger, there, TcpServer::echoAll)) {
      Attempt attempt = Attempt.from(container.network(), there, "hi");
      assertThat(server.accepted()).hasSize(attempt.answered() ? 1 : 0);
      return attempt;
    }
  }

  private static long listeners(Container container) {
    return container.network().procNet("tcp").lines().filter(l -> l.contains(" 0A ")).count();
  }
}
