package io.sluice.proxy.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Endpoint;
import io.sluice.proxy.Family;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EndpointLoadsTest {
  @Test
  void newEndpointTakesClientsOverAndMovesNobodyElse() {
    EndpointLoads loads = new EndpointLoads();
    List<Endpoint> before = endpoints(4);
    List<Endpoint> after = endpoints(5);
    int taken = 0;
    for (int i = 0; i < 1_000; i++) {
      InetAddress client = InetAddress.ofLiteral("10.1." + i / 250 + "." + i % 250);
      InetSocketAddress had = loads.pick(before, Family.IPV4, null, client, 0);
      InetSocketAddress has = loads.pick(after, Family.IPV4, null, client, 0);
      if (!Objects.equals(had, has)) {
        assertThat(has).isEqualTo(after.getLast().address());
        taken++;
      }
    }
    assertThat(taken).isBetween(140, 260);
  }

  @Test
  void connectionsDecideOnlyWhereTheyTellOfLoad() {
    EndpointLoads loads = new EndpointLoads();
    List<Endpoint> two = endpoints(2);
    InetSocketAddress loaded = two.getFirst().address();
    loads.opened(loaded);
    int byLoad = 0;
    int byChance = 0;
    for (int i = 0; i < 1_000; i++) {
      byLoad += loaded.equals(loads.pick(two, Family.IPV4, null, true)) ? 1 : 0;
      byChance += loaded.equals(loads.pick(two, Family.IPV4, null, false)) ? 1 : 0;
    }
    assertThat(byLoad).isZero();
    assertThat(byChance).isBetween(400, 600);
  }

  @Test
  void withABoundOfLoadClientsOfAFullEndpointHaveTheNextOfTheirOrder() {
    EndpointLoads loads = new EndpointLoads();
    List<Endpoint> five = endpoints(5);
    int moved = 0;
    for (int i = 0; i < 1_000; i++) {
      InetAddress client = InetAddress.ofLiteral("10.1." + i % 7 + ".1"); // few, so they are uneven
      InetSocketAddress own = loads.pick(five, Family.IPV4, null, client, 0);
      InetSocketAddress picked = loads.pick(five, Family.IPV4, null, client, 125);
      moved += Objects.equals(own, picked) ? 0 : 1;
      loads.opened(Objects.requireNonNull(picked));
      int most = (int) Math.ceil((i + 1) / 5.0 * 1.25);
      assertThat(loads.live().values())
          .allSatisfy(live -> assertThat(live).isLessThanOrEqualTo(most));
    }
    assertThat(moved).isBetween(1, 600);
  }

  private static List<Endpoint> endpoints(int number) {
    return IntStream.range(0, number)
        .mapToObj(i ->
            new Endpoint(new InetSocketAddress(InetAddress.ofLiteral("10.0.0." + i), 80), true))
        .toList();
  }
}
