package io.sluice.linux.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class SocketAddressesTest {
  private static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(InetAddress.ofLiteral(address), port);
  }

  private static byte[] encoded(InetSocketAddress address, int domain) {
    var out = ByteBuffer.allocate(SocketAddresses.bytes(domain));
    SocketAddresses.encode(address, domain, out);
    assertThat(out.remaining()).isZero();
    return out.array();
  }

  @Test
  void writesIpv4InNetworkOrder() {
    byte[] raw = encoded(at("10.1.2.3", 0x1F90), SocketAddresses.AF_INET);

    assertThat(raw).startsWith(2, 0, 0x1F, 0x90, 10, 1, 2, 3);
  }

  @Test
  void mapsIpv4OnASocketOfIpv6AndBack() {
    byte[] raw = encoded(at("10.1.2.3", 80), SocketAddresses.AF_INET6);

    assertThat(raw).hasSize(28);
    assertThat(raw[18]).isEqualTo((byte) 0xFF);
    assertThat(raw[19]).isEqualTo((byte) 0xFF);
    assertThat(SocketAddresses.decode(ByteBuffer.wrap(raw))).isEqualTo(at("10.1.2.3", 80));
  }

  @Test
  void keepsTheScopeOfLinkLocalAddresses() throws Exception {
    var scoped =
        new InetSocketAddress(
            Inet6Address.getByAddress(null, InetAddress.ofLiteral("fe80::1").getAddress(), 7), 443);

    var decoded =
        SocketAddresses.decode(ByteBuffer.wrap(encoded(scoped, SocketAddresses.AF_INET6)));

    assertThat(decoded.getPort()).isEqualTo(443);
    assertThat(((Inet6Address) decoded.getAddress()).getScopeId()).isEqualTo(7);
  }

  @Test
  void keepsPortsAboveTheSignBit() {
    byte[] raw = encoded(at("2001:db8::1", 65_535), SocketAddresses.AF_INET6);

    assertThat(SocketAddresses.decode(ByteBuffer.wrap(raw))).isEqualTo(at("2001:db8::1", 65_535));
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> encoded(at("2001:db8::1", 1), SocketAddresses.AF_INET));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SocketAddresses.decode(ByteBuffer.wrap(new byte[28])))
        .withMessageContaining("family 0");
  }
}
