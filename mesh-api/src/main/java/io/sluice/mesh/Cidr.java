package io.sluice.mesh;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * A range of IP addresses. The network address has all host bits zero; IPv4-mapped IPv6 ranges are
 * not accepted (write the IPv4 form).
 *
 * @param network first address of the range
 * @param prefixLength 0..32 for IPv4, 0..128 for IPv6
 */
public record Cidr(InetAddress network, int prefixLength) {

  /** What one customer of a network is given at least (RFC 6177 §2). */
  private static final int IPV6_SOURCE_LENGTH = 64;

  private static final Pattern LENGTH = Pattern.compile("0|[1-9][0-9]{0,2}");

  public Cidr {
    byte[] bytes = network.getAddress();
    if (prefixLength < 0 || prefixLength > bytes.length * 8) {
      throw new IllegalArgumentException(
          "prefix length " + prefixLength + " is outside 0.." + bytes.length * 8);
    }
    if (!Arrays.equals(bytes, masked(bytes, prefixLength))) {
      throw new IllegalArgumentException(
          "'"
              + IpAddresses.text(network)
              + "/"
              + prefixLength
              + "' has host bits set; write "
              + IpAddresses.text(IpAddresses.of(masked(bytes, prefixLength)))
              + "/"
              + prefixLength);
    }
  }

  /** The range of this address alone. */
  public static Cidr of(InetAddress address) {
    return new Cidr(address, address.getAddress().length * 8);
  }

  /**
   * Parses {@code address/length}, or a single address as a range of one. Never asks DNS; throws
   * {@link IllegalArgumentException} naming the text.
   */
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    String literal = slash < 0 ? text : text.substring(0, slash);
    InetAddress address = IpAddresses.parse(literal);
    if (literal.indexOf(':') >= 0 && address instanceof Inet4Address) {
      // Its prefix length would count from the wrong end: ::ffff:10.0.0.0/8 is not 10.0.0.0/8.
      throw new IllegalArgumentException(
          "'" + text + "' is an IPv4-mapped range; write " + address.getHostAddress() + "/…");
    }
    if (slash < 0) {
      return of(address);
    }
    String length = text.substring(slash + 1);
    if (!LENGTH.matcher(length).matches()) {
      throw new IllegalArgumentException(
          "'" + literal + "/' is not followed by a prefix length in decimal");
    }
    return new Cidr(address, Integer.parseInt(length));
  }

  /** The range of that length in which {@code address} lies. */
  public static Cidr around(InetAddress address, int prefixLength) {
    return new Cidr(IpAddresses.of(masked(address.getAddress(), prefixLength)), prefixLength);
  }

  /**
   * Whom an address without a name counts for, where sources share room: of IPv6 its network of 64
   * bits, since whoever is given one has all addresses of it; of IPv4 the address alone.
   */
  public static Cidr ofSource(InetAddress address) {
    return address instanceof Inet6Address ? around(address, IPV6_SOURCE_LENGTH) : of(address);
  }

  /** Whether {@code address} lies in this range; addresses of the other family never do. */
  public boolean contains(InetAddress address) {
    byte[] bytes = address.getAddress();
    return bytes.length == network.getAddress().length
        && Arrays.equals(masked(bytes, prefixLength), network.getAddress());
  }

  /** Whether every address of {@code other} lies in this range. */
  public boolean contains(Cidr other) {
    return other.prefixLength >= prefixLength && contains(other.network);
  }

  private static byte[] masked(byte[] address, int prefixLength) {
    byte[] result = address.clone();
    int whole = prefixLength / 8;
    if (whole < result.length) {
      result[whole] &= (byte) ~(0xff >> (prefixLength % 8));
      Arrays.fill(result, whole + 1, result.length, (byte) 0);
    }
    return result;
  }

  @Override
  public String toString() {
    return IpAddresses.text(network) + "/" + prefixLength;
  }
}
