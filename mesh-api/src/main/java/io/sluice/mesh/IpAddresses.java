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

  /** Length of the longest literal, an IPv6 address that ends in a dotted quad. */
  private static final int MAX_LITERAL_LENGTH = 45;

  private static final Pattern DOTTED_QUAD =
      Pattern.compile("(?:(?:0|[1-9][0-9]{0,2})\\.){3}(?:0|[1-9][0-9]{0,2})");

  private IpAddresses() {}

  /**
   * Parses a literal without asking DNS: IPv4 as four decimal numbers without leading zeros, IPv6
   * as in RFC 4291 §2.2 without zone. The short and octal forms that inet_aton(3) reads are
   * refused, because other programs read other addresses in them. Throws {@link
   * IllegalArgumentException} naming the text.
   */
  public static InetAddress parse(String literal) {
    if (literal.length() > MAX_LITERAL_LENGTH) {
      throw new IllegalArgumentException(
          "'" + literal.substring(0, MAX_LITERAL_LENGTH) + "…' is not an IP address");
    }
    if (literal.indexOf('%') >= 0 || literal.indexOf('[') >= 0) {
      throw new IllegalArgumentException("'" + literal + "' is not a plain IP address");
    }
    if (literal.indexOf(':') < 0 && !DOTTED_QUAD.matcher(literal).matches()) {
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

  /** Whether both are IPv4, or both IPv6. */
  public static boolean isSameFamily(InetAddress one, InetAddress other) {
    return one.getClass() == other.getClass();
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
