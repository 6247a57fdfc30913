package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.1.2.3/32",
        "10.1.2.2/31",
        "::/0",
        "fd00::/8",
        "fd00::1/128"
      })
  void printsWhatItReads(String text) {
    assertThat(Cidr.parse(text)).hasToString(text);
    assertThat(Cidr.parse(Cidr.parse(text).toString())).isEqualTo(Cidr.parse(text));
  }

  @Test
  void readsASingleAddressAsARangeOfOne() {
    assertThat(Cidr.parse("10.0.0.1").prefixLength()).isEqualTo(32);
    assertThat(Cidr.parse("fd00::1").prefixLength()).isEqualTo(128);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/08",
        "10.0.0.0/8 ",
        "10.0.0.0/8/8",
        "10.0.0.0/٨",
        "10.0.0.0/1000",
        "10.0.0.0/255.0.0.0",
        "10/8",
        "fd00::/129",
        "fe80::%eth0/64",
        "::ffff:10.0.0.0/8",
        "::ffff:10.0.0.0/104",
        "example.com/8"
      })
  void refusesWhatIsNotARange(String text) {
    assertThatThrownBy(() -> Cidr.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "10.1.2.3/8, 10.0.0.0/8",
    "10.0.0.1/31, 10.0.0.0/31",
    "fd00::1/64, fd00::/64",
    "128.0.0.0/0, 0.0.0.0/0"
  })
  void saysWhatToWriteWhenHostBitsAreSet(String text, String mended) {
    assertThatThrownBy(() -> Cidr.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has host bits set; write " + mended);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.255.255, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "10.128.0.0/9, 10.127.255.255, false",
    "10.0.0.1/32, 10.0.0.1, true",
    "0.0.0.0/0, 203.0.113.1, true",
    "0.0.0.0/0, ::1, false",
    "::/0, 10.0.0.1, false",
    "::/0, ::ffff:10.0.0.1, false",
    "fd00::/65, fd00::7fff:ffff:ffff:ffff, true",
    "fd00::/65, fd00::8000:0:0:0, false"
  })
  void holdsTheAddressesOfItsOwnFamilyOnly(String range, String address, boolean contained) {
    assertThat(Cidr.parse(range).contains(IpAddresses.parse(address))).isEqualTo(contained);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.1.0.0/16, true",
    "10.0.0.0/8, 10.0.0.0/8, true",
    "10.1.0.0/16, 10.0.0.0/8, false",
    "10.0.0.0/8, 11.0.0.0/16, false",
    "0.0.0.0/0, fd00::/8, false"
  })
  void holdsNarrowerRanges(String range, String other, boolean contained) {
    assertThat(Cidr.parse(range).contains(Cidr.parse(other))).isEqualTo(contained);
  }

  @ParameterizedTest
  @CsvSource({
    "2001:db8:0:1::1, 2001:db8:0:1:ffff::2, true",
    "2001:db8:0:1::1, 2001:db8:0:2::1, false",
    "10.0.0.1, 10.0.0.2, false",
    "10.0.0.1, ::ffff:10.0.0.1, true"
  })
  void ofIpv6TheNetworkIsTheSource(String one, String other, boolean isSame) {
    assertThat(
            Cidr.ofSource(IpAddresses.parse(one)).equals(Cidr.ofSource(IpAddresses.parse(other))))
        .isEqualTo(isSame);
  }

  @ParameterizedTest
  @CsvSource({
    "10.255.255.255, 0, 0.0.0.0/0",
    "10.255.255.255, 9, 10.128.0.0/9",
    "10.255.255.255, 32, 10.255.255.255/32",
    "fd00::ffff:ffff:ffff:ffff, 65, fd00::8000:0:0:0/65",
    "fd00::ffff:ffff:ffff:ffff, 127, fd00::ffff:ffff:ffff:fffe/127"
  })
  void liesAroundAnAddress(String address, int length, String range) {
    assertThat(Cidr.around(IpAddresses.parse(address), length)).hasToString(range);
  }
}
