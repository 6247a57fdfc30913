package io.sluice.cni.membership;

import static io.sluice.cni.membership.NamespaceKind.INSIDE;
import static io.sluice.cni.membership.NamespaceKind.MIXED;
import static io.sluice.cni.membership.NamespaceKind.OUTSIDE;
import static io.sluice.cni.membership.NamespaceKind.SYSTEM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MembershipTest {
  @ParameterizedTest
  @CsvSource({"SYSTEM,true", "OUTSIDE,true", "INSIDE,false", "MIXED,false"})
  void letsStartByKind(NamespaceKind kind, boolean starts) {
    assertThat(Membership.of(Map.of("shop", kind)).startsWithoutDaemon("shop")).isEqualTo(starts);
  }

  @Test
  void letsNothingStartInANamespaceItDoesNotName() {
    assertThat(Membership.of(Map.of("shop", SYSTEM)).startsWithoutDaemon("depot")).isFalse();
    assertThat(Membership.NONE.startsWithoutDaemon("shop")).isFalse();
  }

  @Test
  void namesWhatMayNotStartAnyMore() {
    var earlier = Membership.of(Map.of("a", SYSTEM, "b", OUTSIDE, "c", OUTSIDE, "d", INSIDE));
    var now = Membership.of(Map.of("a", OUTSIDE, "b", MIXED, "d", SYSTEM));

    assertThat(now.noLongerStarting(earlier)).containsExactly("b", "c");
    assertThat(earlier.noLongerStarting(earlier)).isEmpty();
  }

  @Test
  void isSortedWhateverTheOrderItWasMadeWith() {
    var backwards = new TreeMap<String, NamespaceKind>(Comparator.reverseOrder());
    backwards.putAll(Map.of("a", SYSTEM, "b", OUTSIDE));

    assertThat(new Membership(backwards).kinds().keySet()).containsExactly("a", "b");
  }

  @Test
  void doesNotChangeWithTheMapItWasMadeFrom() {
    var kinds = new HashMap<>(Map.of("a", SYSTEM));
    var membership = Membership.of(kinds);
    kinds.put("b", SYSTEM);

    assertThat(membership.kinds()).containsOnlyKeys("a");
    assertThatThrownBy(() -> membership.kinds().put("c", SYSTEM))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A", "a_b", "-a", "a-", "a b", "a\nsystem b", "ä"})
  void takesOnlyNamesOfNamespaces(String name) {
    assertThatThrownBy(() -> Membership.of(Map.of(name, SYSTEM)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + name + "'");
  }
}
