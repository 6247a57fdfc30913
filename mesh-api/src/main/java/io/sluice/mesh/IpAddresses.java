package io.sluice.mesh;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * IP address literals and the one 16-byte form in which the mesh keeps addresses of both families:
 * network byte order, IPv4 as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
 */
public final class IpAddresses {
  /** Length of the common form, in bytes. */
  public static final int COMMON_LENGTH = 16;

  /** The JDK also takes 10.1 and 010.0.0.1, which mean something else to every other tool. */
  private static final Pattern DOTTED_QUAD =
      Pattern.compile("(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}");

  private IpAddresses() {}

  /** Parses a literal without asking DNS; throws {@link IllegalArgumentException} naming it. */
  public static InetAddress parse(String literal) {
    boolean isIpv6 = literal.indexOf(':') >= 0;
    if (literal.indexOf('%') >= 0
        || literal.indexOf('[') >= 0
        || (!isIpv6 && !DOTTED_QUAD.matcher(literal).matches())) {
      throw new IllegalArgumentException("'" + literal + "' is not an IP address");
    }
    try {
      return InetAddress.ofLiteral(literal);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("'" + literal + "' is not an IP address", e);
    }
  }

  /** Address from 4 or 16 bytes in network byte order; a mapped one becomes IPv4. */
  public static InetAddress of(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("an IP address has 4 or 16 bytes, not " + bytes.length, e);
    }
  }

  /** The common 16-byte form of {@code address}. */
  public static byte[] common(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length == COMMON_LENGTH) {
      return bytes;
    }
    byte[] mapped = new byte[COMMON_LENGTH];
    mapped[10] = (byte) 0xff;
    mapped[11] = (byte) 0xff;
    System.arraycopy(bytes, 0, mapped, 12, 4);
    return mapped;
  }

  /** {@code 10.0.0.1}, {@code fd00::1}: the canonical text of RFC 5952 §4. */
  public static String text(InetAddress address) {
    String host = address.getHostAddress();
    int zone = host.indexOf('%');
    return address instanceof Inet6Address
        ? compact(zone < 0 ? host : host.substring(0, zone))
        : host;
  }

  /** {@code 10.0.0.1:80}, {@code [fd00::1]:80}. */
  public static String text(InetSocketAddress address) {
    String host = text(address.getAddress());
    return host.indexOf(':') < 0
        ? host + ":" + address.getPort()
        : "[" + host + "]:" + address.getPort();
  }

  /** The longest run of zero groups becomes {@code ::} (RFC 5952 §4.2). */
  private static String compact(String host) {
    String[] groups = host.split(":");
    int bestStart = -1;
    int bestLength = 1;
    for (int i = 0; i < groups.length; i++) {
      int length = 0;
      while (i + length < groups.length && groups[i + length].equals("0")) {
        length++;
      }
      if (length > bestLength) {
        bestStart = i;
        bestLength = length;
      }
    }
    if (bestStart < 0) {
      return host;
    }
    String left = String.join(":", Arrays.copyOfRange(groups, 0, bestStart));
    String right =
        String.join(":", Arrays.copyOfRange(groups, bestStart + bestLength, groups.length));
    return left + "::" + right;
  }
}
