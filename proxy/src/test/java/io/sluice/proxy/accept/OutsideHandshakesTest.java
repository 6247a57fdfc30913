package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sluice.attack.Attack;
import io.sluice.mesh.Cidr;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OutsideHandshakesTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();
  private final OutsideHandshakes handshakes = new OutsideHandshakes(0);

  private long taken(Object source, int asked, long now) {
    return IntStream.range(0, asked).filter(_ -> handshakes.take(source, now)).count();
  }

  @Test
  void oneAloneLeavesSomeForWhoComes() {
    assertThat(taken("flood", 10_000, 1)).isEqualTo(OutsideHandshakes.MOST_OF_ONE);
    assertThat(taken("gateway", 10, 2)).isEqualTo(6);

    assertThat(taken("flood", 10_000, SECOND + 2)).isEqualTo(25);
    assertThat(taken("gateway", 20, SECOND + 3)).isEqualTo(20);
  }

  @Test
  void whoAsksHasAnEqualPartHoweverMuchOthersAsk() {
    for (int second = 0; second < 3; second++) {
      for (int i = 0; i < 1_000; i++) {
        for (int source = 0; source < 4; source++) {
          handshakes.take(source, second * SECOND + i);
        }
      }
    }
    Map<Object, Integer> taken = new HashMap<>();
    for (int i = 0; i < 1_000; i++) {
      for (Object source : List.of("gateway", 0, 1, 2, 3)) {
        taken.merge(source, handshakes.take(source, 3 * SECOND) ? 1 : 0, Integer::sum);
      }
    }
    assertThat(taken.values()).containsOnly(10);
  }

  @Test
  void whileMostAreLeftNobodyIsHeldToAPart() {
    for (int source = 0; source < 9; source++) {
      handshakes.take(source, 1);
    }

    assertThat(taken("gateway", 100, 1)).isEqualTo(16);
    assertThat(taken("later", 1, 1)).isEqualTo(1);
  }

  /** Each asks a hundred times a second and before it, which asks every 50 ms. */
  private static List<Integer> honest(String address, List<String> floods, int seconds) {
    List<Cidr> others =
        floods.stream().map(each -> Cidr.ofSource(InetAddress.ofLiteral(each))).toList();
    Cidr honest = Cidr.ofSource(InetAddress.ofLiteral(address));
    OutsideHandshakes handshakes = new OutsideHandshakes(0);
    Integer[] had = new Integer[seconds];
    for (int i = 0; i < 100 * seconds; i++) {
      long now = i * SECOND / 100;
      others.forEach(each -> handshakes.take(each, now));
      int before = i % 100 == 0 ? 0 : had[i / 100];
      had[i / 100] = before + (i % 5 == 4 && handshakes.take(honest, now) ? 1 : 0);
    }
    return List.of(had);
  }

  private static List<String> each(String pattern, int number) {
    return IntStream.range(0, number).mapToObj(pattern::formatted).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.%d", "10.0.%d.9", "2001:db8:0:%x::9", "2001:db8:%x::9"})
  @Tag("attack")
  void whoAsksAmongManyThatFloodHasOneOfTwoSeconds(String pattern) {
    String address = pattern.replaceAll("%.", "c8");
    List<Integer> had =
        honest(address.contains(":") ? address : pattern.formatted(200), each(pattern, 75), 10);
    for (int i = 1; i < had.size(); i++) {
      assertThat(had.get(i - 1) + had.get(i)).as("%s", had).isPositive();
    }
    Attack.tried("handshakes of TLS from 75 addresses outside the mesh without end")
        .refusedBy("OutsideHandshakes, by turns of networks and of addresses in one")
        .countedAs("sluice_proxy_connections_refused_total rate_limited");
  }

  @ParameterizedTest
  @CsvSource({"52, 2", "200, 4"})
  @Tag("attack")
  void networksOfSeveralAddressesKeepNobodyOut(int networks, int sources) {
    List<String> floods =
        IntStream.range(0, networks * sources)
            .mapToObj(i -> "10.0.%d.%d".formatted(i % networks, 1 + i / networks))
            .toList();
    List<Integer> had = honest("192.0.2.9", floods, 20);
    int most = networks / OutsideHandshakes.MOST_OF_ONE + 3;
    for (int i = most; i < had.size(); i++) {
      assertThat(had.subList(i - most, i).stream().mapToInt(each -> each).sum())
          .as("%s", had)
          .isPositive();
    }
  }

  /** Some 20,000 addresses in a round that nobody lets end. */
  @Test
  void whatIsKeptOfARoundHasAnEnd() throws Exception {
    for (int second = 0; second < 30; second++) {
      for (int i = 0; i < 3 * 255; i++) {
        String fresh = "2001:db8:%x:%x::1".formatted(i % 255, 3 * second + i / 255);
        handshakes.take(Cidr.ofSource(InetAddress.ofLiteral(fresh)), second * SECOND + i);
      }
      assertThat(handshakes.remembered()).isLessThan(10_000);
    }
  }

  /** As in the test before, of which most are kept: nothing of what is known is copied. */
  @Test
  void whoComesCostsNoMoreWhereManyAreKnown() {
    List<Cidr> sources =
        IntStream.range(0, 10 * 3 * 255)
            .mapToObj(i -> "2001:db8:%x:%x::1".formatted(i % 255, i / 255))
            .map(each -> Cidr.ofSource(InetAddress.ofLiteral(each)))
            .toList();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < sources.size(); i++) {
      handshakes.take(sources.get(i), i / (3 * 255) * SECOND + i);
    }
    long bytes = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(bytes / sources.size()).isLessThan(1_000);
  }

  @Test
  void aNetworkHasNoMoreForItsManyAddresses() {
    List<Integer> had = honest("2001:db8:7::9", each("2001:db8:0:%x::9", 300), 4);
    assertThat(had.subList(1, 4)).containsOnly(20);
    had = honest("192.0.2.9", each("2001:db8:0:%x::9", 300), 4);
    assertThat(had.subList(1, 4)).containsOnly(20);
  }

  @Test
  void ofAWholeNetworkEachHasItsTurn() {
    List<Integer> had = honest("192.0.2.255", each("192.0.2.%d", 254), 20);
    int most = 254 / OutsideHandshakes.MOST_OF_ONE + 2;
    for (int i = most; i < had.size(); i++) {
      assertThat(had.subList(i - most, i).stream().mapToInt(each -> each).sum())
          .as("%s", had)
          .isPositive();
    }
  }

  @Test
  void allTogetherHaveNoMoreThanAPodHasTimeForAndNoSourceIsKept() {
    long all = IntStream.range(0, 100_000).filter(i -> handshakes.take(i, 5)).count();
    assertThat(all).isEqualTo(OutsideHandshakes.MOST);

    assertThat(taken("later", 100, 3 * SECOND)).isEqualTo(OutsideHandshakes.MOST_OF_ONE);
  }
}
