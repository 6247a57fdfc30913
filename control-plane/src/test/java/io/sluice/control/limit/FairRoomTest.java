package io.sluice.control.limit;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.IpAddresses;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class FairRoomTest {
  private static final long SECOND = 1_000_000_000L;

  private final FairRoom<String> room = new FairRoom<>(4, 3, Duration.ofSeconds(2));

  private String out(String guest, String address, long second) {
    var entry = room.enter(guest, IpAddresses.parse(address), second * SECOND);
    return entry.outOrNull() == null
        ? "nobody"
        : entry.outOrNull() + (entry.isForAddress() ? " of its address" : "");
  }

  private void crowd() {
    assertThat(out("a", "10.0.0.1", 0)).isEqualTo("nobody");
    assertThat(out("b", "10.0.0.1", 0)).isEqualTo("nobody");
    assertThat(out("c", "10.0.0.1", 0)).isEqualTo("nobody");
  }

  @Test
  void oneAddressTakesNoMoreThanItsPlaces() {
    crowd();

    assertThat(out("d", "10.0.0.1", 1)).isEqualTo("d of its address");
    assertThat(out("e", "10.0.0.2", 1)).isEqualTo("nobody");
    assertThat(room.size()).isEqualTo(4);
  }

  @Test
  void whoHasHadTimeGivesWayToAnotherOfItsAddress() {
    crowd();

    assertThat(out("d", "10.0.0.1", 2)).isEqualTo("a of its address");
    assertThat(room.size()).isEqualTo(3);
  }

  @Test
  void theLargestCrowdGivesWayAtOnceWhereAllIsFull() {
    crowd();
    out("d", "10.0.0.2", 0);

    assertThat(out("e", "10.0.0.3", 0)).isEqualTo("a");
    assertThat(room.size()).isEqualTo(4);
  }

  @Test
  void amongEqualsNobodyGivesWayWithoutHavingHadTime() {
    for (int i = 1; i <= 4; i++) {
      out("of " + i, "10.0.0." + i, 0);
    }

    assertThat(out("e", "10.0.0.5", 1)).isEqualTo("e");
    assertThat(out("f", "10.0.0.5", 2)).startsWith("of ");
  }

  @Test
  void aPlaceThatIsGivenBackIsFree() {
    crowd();
    room.leave("a", IpAddresses.parse("10.0.0.1"));
    room.leave("a", IpAddresses.parse("10.0.0.1"));

    assertThat(out("d", "10.0.0.1", 0)).isEqualTo("nobody");
    assertThat(room.size()).isEqualTo(3);
  }

  @Test
  void ofIpv6TheNetworkHasThePlaces() {
    out("a", "2001:db8:0:1::1", 0);
    out("b", "2001:db8:0:1::2", 0);
    out("c", "2001:db8:0:1:ffff::3", 0);

    assertThat(out("d", "2001:db8:0:1::4", 1)).isEqualTo("d of its address");
    assertThat(out("e", "2001:db8:0:2::1", 1)).isEqualTo("nobody");
  }
}
