package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpAddressesTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.0.1, 10.0.0.1",
    "0.0.0.0, 0.0.0.0",
    "255.255.255.255, 255.255.255.255",
    "::, 0:0:0:0:0:0:0:0",
    "fd00::1, fd00:0:0:0:0:0:0:1",
    "FD00::ABCD, fd00:0:0:0:0:0:0:abcd",
    "::ffff:10.0.0.1, 10.0.0.1",
    "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255, ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
  })
  void readsLiteralsOfBothFamilies(String literal, String expected) {
    assertThat(IpAddresses.parse(literal).getHostAddress()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "localhost",
        "example.com",
        "10",
        "10.1",
        "10.0.1",
        "4294967295",
        "010.0.0.1",
        "0x7f.0.0.1",
        "10.0.0.256",
        "10.0.0.1.2",
        "10.0.0.1 ",
        " 10.0.0.1",
        "10.0.0.1\n",
        "+1.2.3.4",
        "-1.2.3.4",
        "١٠.0.0.1",
        "10.0.0.",
        ".0.0.1",
        "[::1]",
        "fe80::1%eth0",
        "fe80::1%1",
        "1::2::3",
        ":::",
        "g::",
        "12345::",
        "10.0.0.1/32",
        "10.0.0.1:80"
      })
  void refusesWhatIsNotAPlainAddress(String literal) {
    assertThatThrownBy(() -> IpAddresses.parse(literal))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + literal + "'");
  }

  @Test
  void quotesOnlyTheStartOfAnOverlongText() {
    assertThatThrownBy(() -> IpAddresses.parse("1".repeat(1_000_000)))
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .hasSizeLessThan(100);
  }

  @Test
  void mapsIpv4IntoTheCommonFormAndBack() {
    InetAddress address = IpAddresses.parse("10.1.2.3");

    byte[] common = IpAddresses.common(address);

    assertThat(common).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3);
    assertThat(IpAddresses.of(common)).isEqualTo(address).isInstanceOf(Inet4Address.class);
  }

  @Test
  void keepsIpv6InTheCommonForm() {
    InetAddress address = IpAddresses.parse("fd00::1:2");

    assertThat(IpAddresses.of(IpAddresses.common(address))).isEqualTo(address);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 15, 17})
  void refusesOtherLengths(int length) {
    assertThatThrownBy(() -> IpAddresses.of(new byte[length]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not " + length);
  }

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
}
