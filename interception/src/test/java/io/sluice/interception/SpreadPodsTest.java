package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.ScratchNetns;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.NamespacedName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
class SpreadPodsTest {
  private static final NamespacedName NAME = new NamespacedName("shop", "cart");

  private final LinuxNetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  private ScratchNetns scratch;
  private NetnsHandle netns;
  private long cookie;

  @BeforeEach
  void open() throws IOException, InterruptedException {
    scratch = ScratchNetns.create();
    netns = scratch.open();
    cookie = netns.cookie();
  }

  @AfterEach
  void close() throws IOException, InterruptedException {
    netns.close();
    scratch.close();
  }

  @Test
  void aReleasedPodsRouteGoesWithItsLastConnection() throws IOException, InterruptedException {
    try (SpreadPods spread = spreadPods()) {
      spread.spread(pod(true));
      assertThat(spread.isSpread(cookie)).isTrue();
      assertThat(spread.problem(pod(true))).isEmpty();

      spread.release(cookie);
      assertThat(spread.isSpread(cookie)).isFalse();
      assertThat(spread.released()).containsExactly(cookie);
      assertThat(spread.nameOf(cookie)).contains(NAME);
      assertThat(routes()).hasSize(1);

      spread.release(cookie);
      assertThat(spread.released()).isEmpty();
      assertThat(routes()).isEmpty();
    }
  }

  /** As of a daemon before this one, which goes on with what it has taken in. */
  @Test
  void aRouteStaysForConnectionsOfAnotherDaemon() throws Exception {
    try (SpreadPods first = spreadPods();
        ServerSocketChannel server = namespaces.callIn(netns, SpreadPodsTest::listen)) {
      first.spread(pod(true));
      try (SpreadPods next = spreadPods();
          SpreadPods later = spreadPods()) {
        next.spread(pod(true));
        int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
        try (SocketChannel client = namespaces.callIn(netns, () -> connect(port))) {
          assertThat(client.isConnected()).isTrue();
          next.release(cookie);
          next.release(cookie);
          later.release(cookie);
          assertThat(next.released()).containsExactly(cookie);
          assertThat(later.released()).as("which does not know it").containsExactly(cookie);
          assertThat(routes()).hasSize(1);
        }
        try (SocketChannel _ = server.accept()) {
          next.release(cookie);
          assertThat(routes()).as("the other end may still send").hasSize(1);
        }
        next.release(cookie);
        assertThat(next.released()).isEmpty();
        assertThat(routes()).isEmpty();
      }
    }
  }

  private static ServerSocketChannel listen() {
    try {
      return ServerSocketChannel.open(StandardProtocolFamily.INET6).bind(new InetSocketAddress(0));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static SocketChannel connect(int port) {
    try {
      return SocketChannel.open(new InetSocketAddress("100:0:0:1::5", port));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aRouteIsNotTakenFromWhoHasThePod() throws IOException, InterruptedException {
    try (SpreadPods other = spreadPods()) {
      try (SpreadPods draining = spreadPods(other::isSpread)) {
        draining.spread(pod(true));
        draining.release(cookie);
        other.spread(pod(true));
        draining.release(cookie);
        assertThat(draining.released()).isEmpty();
        assertThat(other.problem(pod(true))).isEmpty();

        draining.spread(pod(true));
        draining.release(cookie);
      }
      assertThat(other.problem(pod(true))).as("after its end").isEmpty();
    }
  }

  @Test
  void aPodThatComesBackWithoutIpv6IsNotLeaving() throws IOException, InterruptedException {
    try (SpreadPods spread = spreadPods()) {
      spread.spread(pod(true));
      spread.release(cookie);

      spread.spread(pod(false));

      assertThat(spread.released()).isEmpty();
      assertThat(routes()).isEmpty();
    }
  }

  @Test
  void aReleasedPodThatComesBackKeepsItsRoute() throws IOException, InterruptedException {
    try (SpreadPods spread = spreadPods()) {
      spread.spread(pod(true));
      spread.release(cookie);

      spread.spread(pod(true));

      assertThat(spread.released()).isEmpty();
      assertThat(spread.isSpread(cookie)).isTrue();
    }
    assertThat(routes()).as("of a pod in force").hasSize(1);
  }

  @Test
  void whatADaemonLeavesIsTakenAwayByAnother() throws IOException, InterruptedException {
    try (SpreadPods first = spreadPods()) {
      first.spread(pod(true));
    }
    assertThat(routes()).hasSize(1);

    try (SpreadPods next = spreadPods()) {
      next.release(cookie);
    }
    assertThat(routes()).isEmpty();

    try (SpreadPods ending = spreadPods()) {
      ending.spread(pod(true));
      ending.release(cookie);
    }
    assertThat(routes()).as("its connections went through the daemon that has ended").isEmpty();
  }

  @Test
  void aRouteThatSomebodyTookAwayIsToldAndMadeAgain() throws IOException, InterruptedException {
    try (SpreadPods spread = spreadPods()) {
      spread.spread(pod(true));
      scratch.inside("ip", "-6", "route", "flush", "table", "local", "100:0:0:1::/64");
      assertThat(spread.problem(pod(true)).orElseThrow()).contains("100:0:0:1::/64");

      spread.spread(pod(true));

      assertThat(spread.problem(pod(true))).isEmpty();
    }
  }

  @Test
  void aPodWithoutAWayToHaveOneGoesOnWithoutIt() throws IOException, InterruptedException {
    try (SpreadPods spread = spreadPods()) {
      spread.spread(pod(false));
      assertThat(spread.isSpread(cookie)).as("has no IPv6").isFalse();

      scratch.inside("ip", "link", "set", "lo", "down");
      spread.spread(pod(true));

      assertThat(spread.isSpread(cookie)).as("lo is down").isFalse();
      assertThat(spread.problem(pod(true))).isEmpty();
    }
  }

  private SpreadPods spreadPods() {
    return spreadPods(_ -> false);
  }

  private SpreadPods spreadPods(LongPredicate isHeld) {
    return new SpreadPods(
        namespaces,
        new NamespaceSearch() {
          @Override
          public Optional<NetnsHandle> withCookie(long asked) {
            return asked == cookie ? Optional.of(scratch.open()) : Optional.empty();
          }

          @Override
          public Optional<NetnsHandle> find(Path recorded, long asked) {
            return withCookie(asked);
          }
        },
        isHeld);
  }

  private PodPlacement pod(boolean ipv6) {
    PodNetwork network =
        new PodNetwork(
            List.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), 0, ipv6, 0,
            Set.of());
    return new PodPlacement(
        NAME,
        scratch.path(),
        netns,
        cookie,
        network,
        InterceptionSettings.EVERYTHING,
        false,
        Set.of(),
        DatagramGrants.NONE);
  }

  private List<String> routes() throws IOException, InterruptedException {
    return scratch
        .inside("ip", "-6", "route", "show", "table", "local")
        .lines()
        .filter(line -> line.contains("100:0:0:1::/64"))
        .toList();
  }
}
