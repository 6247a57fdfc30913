package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.255.255, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "10.0.0.1, 10.0.0.1, true",
    "10.0.0.1, 10.0.0.2, false",
    "0.0.0.0/0, 203.0.113.9, true",
    "0.0.0.0/0, ::1, false",
    "::/0, 10.0.0.1, false",
    "fd00::/9, fd7f::1, true",
    "fd00::/9, fd80::1, false"
  })
  void holdsTheAddressesOfItsFamilyWithItsPrefix(String range, String address, boolean holds) {
    assertThat(Cidr.parse(range).contains(IpAddresses.parse(address))).isEqualTo(holds);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.1.0.0/16, true",
    "10.1.0.0/16, 10.0.0.0/8, false",
    "10.0.0.0/8, 10.0.0.0/8, true",
    "::/0, 10.0.0.0/8, false"
  })
  void holdsNarrowerRanges(String outer, String inner, boolean holds) {
    assertThat(Cidr.parse(outer).contains(Cidr.parse(inner))).isEqualTo(holds);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/a", "x/8", "/8"})
  void refusesWhatIsNoRange(String text) {
    assertThatThrownBy(() -> Cidr.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({"10.0.0.1/8, 10.0.0.0/8", "fd00::1/64, fd00::/64"})
  void toldHostBitsWithTheRangeThatWasMeant(String text, String meant) {
    assertThatThrownBy(() -> Cidr.parse(text))
        .hasMessageContaining("host bits")
        .hasMessageContaining("write " + meant);
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.0/8", "fd00::/64", "::/0", "10.0.0.1/32"})
  void isWrittenAsItIsRead(String text) {
    assertThat(Cidr.parse(text)).hasToString(text);
  }
}
