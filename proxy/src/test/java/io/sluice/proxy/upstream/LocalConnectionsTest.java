package io.sluice.proxy.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.upstream.LocalConnections.Lookup;
import io.sluice.proxy.upstream.LocalConnections.Origin;
import io.sluice.proxy.upstream.LocalConnections.Tuple;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LocalConnectionsTest {
  private static final InetSocketAddress DESTINATION = new InetSocketAddress("10.0.0.9", 80);

  private final LocalConnections connections = new LocalConnections();

  private static Tuple tuple(int number) {
    byte[] address = {10, 0, 0, (byte) (number >> 15)};
    return new Tuple(new InetSocketAddress(IpAddresses.of(address), number & 0x7fff), DESTINATION);
  }

  private static Origin origin() {
    return new Origin(
        new NamespacedName("shop", "buyer"), new InetSocketAddress("10.0.0.1", 1), false, false);
  }

  @Test
  void unknownUnlessAnnounced() {
    assertThat(connections.find(tuple(1))).isEqualTo(Lookup.UNKNOWN);

    connections.announce(DESTINATION);
    assertThat(connections.find(tuple(1)).pending()).isTrue();

    connections.withdraw(DESTINATION);
    assertThat(connections.find(tuple(1))).isEqualTo(Lookup.UNKNOWN);
  }

  @Test
  void removingDoesNotTouchASuccessorOnTheSamePort() {
    Origin first = origin();
    Origin second = origin();
    connections.add(tuple(1), first);
    connections.add(tuple(1), second);

    connections.remove(tuple(1), first);

    assertThat(connections.find(tuple(1)).originOrNull()).isSameAs(second);
  }

  /**
   * The acceptor may look at any moment after the announcement; whenever it does, asking until the
   * answer is no longer "pending" must end with the origin.
   */
  @Test
  void acceptorNeverMissesAnAnnouncedConnection() throws Exception {
    AtomicInteger connecting = new AtomicInteger();
    AtomicInteger accepted = new AtomicInteger();
    AtomicInteger misses = new AtomicInteger();
    int rounds = 50_000;
    Thread acceptor =
        Thread.ofPlatform()
            .start(() -> {
              for (int port = 1; port <= rounds; port++) {
                while (connecting.get() < port) {
                  Thread.yield();
                }
                for (int spins = port % 50; spins > 0; spins--) {
                  Thread.onSpinWait(); // meets the opener at every point of its work
                }
                Tuple ends = tuple(port);
                Lookup found = connections.find(ends);
                while (found.pending()) {
                  Thread.yield();
                  found = connections.find(ends);
                }
                Origin origin = found.originOrNull();
                if (origin == null) {
                  misses.incrementAndGet();
                } else {
                  connections.remove(ends, origin);
                }
                accepted.set(port);
              }
            });

    for (int port = 1; port <= rounds; port++) {
      while (port - accepted.get() > 64) {
        Thread.yield(); // keeps the two close, so that they meet
      }
      connections.announce(DESTINATION);
      connecting.set(port); // from here on the kernel may hand the connection to the acceptor
      connections.add(tuple(port), origin());
      connections.withdraw(DESTINATION);
    }

    acceptor.join();
    assertThat(misses).hasValue(0);
    assertThat(connections.size()).isZero();
  }
}
