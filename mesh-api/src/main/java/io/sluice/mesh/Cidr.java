package io.sluice.mesh;

import java.net.InetAddress;
import java.util.Arrays;

/**
 * A range of IP addresses. The network address has all host bits zero; IPv4-mapped IPv6 ranges are
 * not accepted (write the IPv4 form).
 *
 * @param network first address of the range
 * @param prefixLength 0..32 for IPv4, 0..128 for IPv6
 */
public record Cidr(InetAddress network, int prefixLength) {

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

  /** Parses {@code address/length}, or a single address as a range of one. Never asks DNS. */
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    InetAddress address = IpAddresses.parse(slash < 0 ? text : text.substring(0, slash));
    if (slash < 0) {
      return new Cidr(address, address.getAddress().length * 8);
    }
    String length = text.substring(slash + 1);
    if (length.isEmpty() || length.length() > 3 || !length.chars().allMatch(Character::isDigit)) {
      throw new IllegalArgumentException("'" + text + "' has no prefix length after '/'");
    }
    return new Cidr(address, Integer.parseInt(length));
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
    for (int bit = prefixLength; bit < result.length * 8; bit++) {
      result[bit / 8] &= (byte) ~(0x80 >> (bit % 8));
    }
    return result;
  }

  @Override
  public String toString() {
    return IpAddresses.text(network) + "/" + prefixLength;
  }
}
