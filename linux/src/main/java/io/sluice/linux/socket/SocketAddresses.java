package io.sluice.linux.socket;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Layouts of {@code sockaddr_in} and {@code sockaddr_in6}; the family is in native byte order. */
final class SocketAddresses {
  static final int AF_INET = 2;
  static final int AF_INET6 = 10;
  static final int IPV4_BYTES = 16;
  static final int IPV6_BYTES = 28;

  private static final int ADDRESS6_AT = 8;
  private static final int SCOPE_AT = 24;

  private SocketAddresses() {}

  static int bytes(int domain) {
    return domain == AF_INET6 ? IPV6_BYTES : IPV4_BYTES;
  }

  /**
   * Writes an address for a socket of {@code domain}; an IPv4 address becomes v4-mapped on
   * AF_INET6.
   */
  static void encode(InetSocketAddress address, int domain, ByteBuffer out) {
    InetAddress ip = address.getAddress();
    byte[] raw = ip.getAddress();
    if (domain == AF_INET && raw.length != 4) {
      throw new IllegalArgumentException(address + " does not fit an IPv4 socket");
    }
    out.order(ByteOrder.nativeOrder()).putShort((short) domain);
    out.order(ByteOrder.BIG_ENDIAN).putShort((short) address.getPort());
    if (domain == AF_INET) {
      out.put(raw).putLong(0);
      return;
    }
    out.putInt(0);
    if (raw.length == 4) {
      out.putLong(0).putShort((short) 0).putShort((short) 0xFFFF).put(raw);
    } else {
      out.put(raw);
    }
    int scope = ip instanceof Inet6Address v6 ? v6.getScopeId() : 0;
    out.order(ByteOrder.nativeOrder()).putInt(scope);
  }

  /** Reads an address; a v4-mapped one comes back as IPv4. */
  static InetSocketAddress decode(ByteBuffer in) {
    int domain = in.order(ByteOrder.nativeOrder()).getShort(0);
    int port = Short.toUnsignedInt(in.order(ByteOrder.BIG_ENDIAN).getShort(2));
    return switch (domain) {
      case AF_INET -> {
        var raw = new byte[4];
        in.get(4, raw);
        yield new InetSocketAddress(ip(raw), port);
      }
      case AF_INET6 -> {
        var raw = new byte[16];
        in.get(ADDRESS6_AT, raw);
        int scope = in.order(ByteOrder.nativeOrder()).getInt(SCOPE_AT);
        yield new InetSocketAddress(scope == 0 ? ip(raw) : scoped(raw, scope), port);
      }
      default -> throw new IllegalArgumentException("address family " + domain + " is not IP");
    };
  }

  private static InetAddress ip(byte[] raw) {
    try {
      return InetAddress.getByAddress(raw);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("4 and 16 bytes always are an address", e);
    }
  }

  private static InetAddress scoped(byte[] raw, int scope) {
    try {
      return Inet6Address.getByAddress(null, raw, scope);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("16 bytes always are an address", e);
    }
  }
}
