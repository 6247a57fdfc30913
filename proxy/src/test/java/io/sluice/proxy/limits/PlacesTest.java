package io.sluice.proxy.limits;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlacesTest {
  private static final int MOST = 8;

  private final Places.OfNode node = new Places.OfNode(1_000);
  private final Places<String> places = new Places<>(MOST, node);

  private static Source stranger(String address) {
    return Source.of(InetAddress.ofLiteral(address), false);
  }

  private static Source workload(String address) {
    return Source.of(InetAddress.ofLiteral(address), true);
  }

  private List<String> take(String name, int count, Source source) {
    List<String> late = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String gone = places.take(name + i, source);
      if (gone != null) {
        late.add(gone);
      }
    }
    return late;
  }

  @Test
  void theOldestOfASourceWithMoreThanItsShareGivesWay() {
    take("early", 1, stranger("192.0.2.1"));
    take("flood", MOST - 1, stranger("192.0.2.66"));

    assertThat(take("late", 2, stranger("192.0.2.2"))).containsExactly("flood0", "flood1");
  }

  @Test
  void allAddressesOfOneIpv6NetworkAreOneSource() {
    take("early", 1, stranger("2001:db8:1::1"));
    for (int i = 1; i < MOST; i++) {
      take("flood" + i, 1, stranger("2001:db8:66::" + i));
    }

    assertThat(take("late", 1, stranger("2001:db8:2::1"))).containsExactly("flood10");
  }

  @Test
  void workloadsOfOneIpv6NetworkAreSourcesOfTheirOwn() {
    assertThat(workload("2001:db8:1::1")).isNotEqualTo(workload("2001:db8:1::2"));
    assertThat(stranger("2001:db8:1::1")).isEqualTo(stranger("2001:db8:1::2"));
    assertThat(stranger("192.0.2.1")).isNotEqualTo(stranger("192.0.2.2"));
  }

  @Test
  void halfOfTheRoomIsKeptForWorkloadsThatTheSnapshotKnows() {
    for (int i = 0; i < 100; i++) {
      take("stranger" + i + "-", 1, stranger("198.51.100." + i));
    }
    for (int i = 0; i < MOST / 2; i++) {
      assertThat(take("known" + i + "-", 1, workload("10.0.0." + i))).allMatch(isOf("stranger"));
    }

    assertThat(take("more", 100, stranger("203.0.113.1"))).noneMatch(isOf("known"));
  }

  @Test
  void oneWithManyWorkloadsLeavesRoomForStrangers() {
    for (int i = 0; i < 100; i++) {
      take("known" + i + "-", 1, workload("10.0.0." + i));
    }

    assertThat(take("stranger", MOST / 2, stranger("192.0.2.1"))).allMatch(isOf("known"));
  }

  @Test
  void aNodeThatIsFullLeavesEachServerALittle() {
    for (int server = 0; server < 500; server++) {
      Places<String> full = new Places<>(MOST, node);
      full.take("a", stranger("192.0.2.1"));
      full.take("b", stranger("192.0.2.1"));
    }

    assertThat(take("one", 2, stranger("192.0.2.1"))).isEmpty();
    assertThat(take("three", 1, stranger("192.0.2.1"))).containsExactly("one0");
    places.leave("one1");
    places.leave("one1");
    assertThat(node.taken()).isEqualTo(1_001);
  }

  private static java.util.function.Predicate<String> isOf(String kind) {
    return name -> name.startsWith(kind);
  }
}
