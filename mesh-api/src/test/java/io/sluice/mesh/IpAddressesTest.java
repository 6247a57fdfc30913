package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpAddressesTest {
  /** Cases of RFC 5952 §4: suppressed zeros, longest run, first of equal runs, lower case. */
  @ParameterizedTest
  @CsvSource({
    "10.0.0.1, 10.0.0.1",
    "255.255.255.255, 255.255.255.255",
    "::, ::",
    "::1, ::1",
    "1::, 1::",
    "2001:0db8::0001, 2001:db8::1",
    "2001:db8:0:0:0:0:2:1, 2001:db8::2:1",
    "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "0:0:1:2:3:4:5:6, ::1:2:3:4:5:6",
    "1:2:3:4:5:6:0:0, 1:2:3:4:5:6::",
    "2001:DB8::ABCD, 2001:db8::abcd",
    "fe80::1:0:0:0, fe80::1:0:0:0",
    "::ffff:10.0.0.1, 10.0.0.1"
  })
  void writesTheCanonicalText(String literal, String text) {
    assertThat(IpAddresses.text(IpAddresses.parse(literal))).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"10.0.0.1, 10.0.0.1:80", "fd00::1, [fd00::1]:80", "::, [::]:80"})
  void bracketsIpv6BeforeAPort(String literal, String text) {
    assertThat(IpAddresses.text(new InetSocketAddress(IpAddresses.parse(literal), 80)))
        .isEqualTo(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost",
        "example.com",
        "10.0.0",
        "10.0.0.256",
        "10",
        "010.0.0.1",
        "1.2.3.4.5",
        "fe80::1%eth0",
        "[::1]"
      })
  void refusesWhatIsNoPlainLiteral(String text) {
    assertThatThrownBy(() -> IpAddresses.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'");
  }

  @ParameterizedTest
  @CsvSource({
    "10.1.2.3, 00000000000000000000ffff0a010203",
    "fd00::1, fd000000000000000000000000000001",
    "::, 00000000000000000000000000000000"
  })
  void commonFormIsSixteenBytesAndReadsBack(String literal, String hex) {
    byte[] common = IpAddresses.common(IpAddresses.parse(literal));

    assertThat(HexFormat.of().formatHex(common)).isEqualTo(hex);
    assertThat(IpAddresses.of(common)).isEqualTo(IpAddresses.parse(literal));
  }

  @Test
  void otherLengthsAreNoAddress() {
    assertThatThrownBy(() -> IpAddresses.of(new byte[5])).hasMessageContaining("4 or 16 bytes");
  }
}
