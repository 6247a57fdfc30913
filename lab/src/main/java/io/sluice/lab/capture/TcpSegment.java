package io.sluice.lab.capture;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * A TCP segment out of an Ethernet frame.
 *
 * @param from its sender
 * @param to its receiver
 * @param sequence of its first byte, or of the SYN
 * @param opens whether it carries SYN
 * @param payload the bytes of the stream
 */
record TcpSegment(
    InetSocketAddress from, InetSocketAddress to, int sequence, boolean opens, byte[] payload) {
  private static final int ETHERNET_BYTES = 14;
  private static final int ETHERTYPE_AT = 12;
  private static final int IPV4 = 0x0800;
  private static final int IPV6 = 0x86dd;
  private static final int IPV6_BYTES = 40;
  private static final int LEAST_TCP_BYTES = 20;
  private static final int PROTOCOL_TCP = 6;
  private static final int SYN = 2;

  /** The frame's, if it carries TCP directly in an IP packet that is no fragment. */
  static Optional<TcpSegment> in(byte[] frame) {
    if (frame.length < ETHERNET_BYTES + 1) {
      return Optional.empty();
    }
    ByteBuffer packet =
        ByteBuffer.wrap(frame, ETHERNET_BYTES, frame.length - ETHERNET_BYTES).slice();
    return switch (Short.toUnsignedInt(ByteBuffer.wrap(frame).getShort(ETHERTYPE_AT))) {
      case IPV4 -> ipv4(packet);
      case IPV6 -> ipv6(packet);
      default -> Optional.empty();
    };
  }

  private static Optional<TcpSegment> ipv4(ByteBuffer packet) {
    int header = (packet.get(0) & 0xf) * Integer.BYTES;
    if (packet.limit() < header + LEAST_TCP_BYTES || packet.get(9) != PROTOCOL_TCP) {
      return Optional.empty();
    }
    boolean fragment = (packet.getShort(6) & 0x3fff) != 0; // more to come, or not the first
    int total = Math.min(Short.toUnsignedInt(packet.getShort(2)), packet.limit());
    return fragment
        ? Optional.empty()
        : tcp(packet.slice(header, total - header), address(packet, 12, 4), address(packet, 16, 4));
  }

  private static Optional<TcpSegment> ipv6(ByteBuffer packet) {
    if (packet.limit() < IPV6_BYTES + LEAST_TCP_BYTES || packet.get(6) != PROTOCOL_TCP) {
      return Optional.empty();
    }
    int length = Math.min(Short.toUnsignedInt(packet.getShort(4)), packet.limit() - IPV6_BYTES);
    return tcp(packet.slice(IPV6_BYTES, length), address(packet, 8, 16), address(packet, 24, 16));
  }

  private static Optional<TcpSegment> tcp(ByteBuffer tcp, InetAddress from, InetAddress to) {
    int header = tcp.limit() < LEAST_TCP_BYTES ? 0 : ((tcp.get(12) & 0xf0) >> 4) * Integer.BYTES;
    if (header < LEAST_TCP_BYTES || header > tcp.limit()) {
      return Optional.empty();
    }
    byte[] payload = new byte[tcp.limit() - header];
    tcp.get(header, payload);
    return Optional.of(
        new TcpSegment(
            new InetSocketAddress(from, Short.toUnsignedInt(tcp.getShort(0))),
            new InetSocketAddress(to, Short.toUnsignedInt(tcp.getShort(2))),
            tcp.getInt(4),
            (tcp.get(13) & SYN) != 0,
            payload));
  }

  private static InetAddress address(ByteBuffer packet, int at, int length) {
    byte[] bytes = new byte[length];
    packet.get(at, bytes);
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("4 and 16 bytes are addresses: " + Arrays.toString(bytes), e);
    }
  }
}
