package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The wire itself as the witness: every frame on the node's bridge is searched for the words of a
 * pod that must not be heard. Each test also shows that the witness would have seen them.
 */
@Tag("kernel")
class LeakCaptureTest {
  private static final String SECRET = "canary-7f3a9c-of-the-thief";
  private static final String MARKER = "marker-51be20-end-of-capture";

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.lent(Mechanism.EBPF, "--fast-path", "false"); // with which granted calls go on
  }

  @BeforeEach
  void startDaemon() {
    shop.reviveDaemon();
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void nothingOfARefusedPodIsOnTheWire(Family family) {
    try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort());
        FrameCapture capture = shop.site.node().capture()) {
      assertThat(Attempt.from(shop.thief, shop.service(family), SECRET).wasTurnedAway()).isTrue();
      InetSocketAddress pod = shop.store.at(family, store.port());
      assertThat(Attempt.from(shop.thief, pod, SECRET).wasTurnedAway()).isTrue();
      InetSocketAddress stranger = shop.stranger.at(family, outside.port());
      assertThat(Attempt.from(shop.thief, stranger, SECRET).wasTurnedAway()).isTrue();
      sendDatagram(family);

      assertNotHeard(capture);
      assertThat(store.accepted()).isEmpty();
      assertThat(shop.view().counted(shop.thief, "outbound", "refused", "datagram_refused"))
          .isPositive();
    }

    Attack.tried(
            "a refused pod speaks TCP and UDP, every frame of the wire is looked at, " + family)
        .refusedBy("cgroup/connect and sendmsg; nothing is heard")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}, for UDP");
  }

  @Tag("attack")
  @Test
  void nothingOfAnEnrolledPodIsOnTheWireWhileTheDaemonIsDead() {
    shop.daemon().kill();
    for (Family family : Family.values()) {
      assertNothingIsHeardWithoutADaemon(family);
    }
  }

  private static void assertNothingIsHeardWithoutADaemon(Family family) {
    try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort());
        FrameCapture capture = shop.site.node().capture()) {
      for (SitePod pod : new SitePod[] {shop.thief, shop.buyer}) {
        for (InetSocketAddress destination :
            new InetSocketAddress[] {
              shop.service(family),
              shop.store.at(family, store.port()),
              shop.stranger.at(family, outside.port())
            }) {
          Attempt attempt = Attempt.from(pod, destination, SECRET);
          assertThat(attempt.wasTurnedAway()).as("%s %s", pod.name(), attempt).isTrue();
        }
      }
      sendDatagram(family);

      assertNotHeard(capture);
      assertThat(store.accepted()).isEmpty();
      assertThat(outside.accepted()).isEmpty();
      assertThat(shop.view().counted(shop.thief, "outbound", "refused", "proxy_unavailable"))
          .isPositive();
    }

    Attack.tried("every pod speaks while the daemon is dead, every frame is looked at, " + family)
        .refusedBy("cgroup/connect and sendmsg, pinned; nothing is heard")
        .countedAs("sluice_interception_refused_total{reason=\"proxy_unavailable\"}");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theCaptureHearsAPodWhoseTrafficIsExcluded(Family family) {
    try (TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort());
        FrameCapture capture = shop.site.node().capture()) {
      shop.configure(false, false, Map.of("outboundPortExclusionList", "[" + outside.port() + "]"));
      InetSocketAddress destination = shop.stranger.at(family, outside.port());
      Await.until(
          "the thief passes by", () -> Attempt.from(shop.thief, destination, SECRET).answered());

      Await.until("the canary is heard", () -> capture.hasSeen(SECRET));
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theCaptureHearsWhatIsPermitted(Family family) {
    try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        FrameCapture capture = shop.site.node().capture()) {
      assertThat(Attempt.from(shop.buyer, shop.service(family), SECRET).answered()).isTrue();

      Await.until("the canary is heard", () -> capture.hasSeen(SECRET));
      assertThat(store.accepted()).hasSize(1);
    }
  }

  private static void sendDatagram(Family family) {
    InetSocketAddress anywhere = shop.stranger.at(family, shop.freshPort());
    try {
      Datagrams.send(shop.thief, family, anywhere, SECRET);
    } catch (LinuxException e) {
      assertThat(e.errno().name()).isEqualTo("EPERM");
    }
  }

  /** A marker from a pod outside the mesh ends the capture: frames are kept in order. */
  private static void assertNotHeard(FrameCapture capture) {
    Datagrams.send(
        shop.stranger, Family.IPV4, shop.site.node().at(Family.IPV4, shop.freshPort()), MARKER);
    Await.until("the marker is heard", () -> capture.hasSeen(MARKER));
    assertThat(capture.hasSeen(SECRET)).as("the canary is on the wire").isFalse();
    assertThat(capture.dropped()).as("frames the capture missed").isZero();
  }
}
