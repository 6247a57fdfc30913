package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.proxy.LocalConnections.Lookup;
import io.sluice.proxy.LocalConnections.Origin;
import io.sluice.proxy.LocalConnections.Tuple;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LocalConnectionsTest {
  private static final InetSocketAddress DESTINATION = new InetSocketAddress("10.0.0.9", 80);

  private final LocalConnections connections = new LocalConnections();

  private static Tuple tuple(int port) {
    return new Tuple(new InetSocketAddress("10.0.0.1", port), DESTINATION);
  }

  private static Origin origin() {
    return new Origin(ProxyFixture.BUYER, new InetSocketAddress("10.0.0.1", 1), false);
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
    AtomicInteger misses = new AtomicInteger();
    int rounds = 400_000;
    Thread acceptor =
        Thread.ofPlatform()
            .start(() -> {
              for (int port = 1; port <= rounds; port++) {
                while (connecting.get() < port) {
                  Thread.onSpinWait();
                }
                Tuple accepted = tuple(port % 60_000);
                Lookup found = connections.find(accepted);
                while (found.pending()) {
                  Thread.onSpinWait();
                  found = connections.find(accepted);
                }
                Origin origin = found.originOrNull();
                if (origin == null) {
                  misses.incrementAndGet();
                } else {
                  connections.remove(accepted, origin);
                }
              }
            });

    for (int port = 1; port <= rounds; port++) {
      connections.announce(DESTINATION);
      connecting.set(port); // from here on the kernel may hand the connection to the acceptor
      connections.add(tuple(port % 60_000), origin());
      connections.withdraw(DESTINATION);
    }

    acceptor.join();
    assertThat(misses).hasValue(0);
    assertThat(connections.size()).isZero();
  }
}
