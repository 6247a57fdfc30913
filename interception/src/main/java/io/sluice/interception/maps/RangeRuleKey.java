package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import java.util.List;

/**
 * A destination range of one pod, as a longest-prefix key: the namespace cookie and the range in
 * the common address form, one behind the other.
 *
 * @param netnsCookie the pod
 * @param range of either family
 */
public record RangeRuleKey(long netnsCookie, Cidr range) {
  private static final int COOKIE_BITS = 64;
  private static final int MAPPED_BITS = 96;

  /** Mirrors {@code struct range_rule_key}. */
  public static final StructCodec<RangeRuleKey> CODEC =
      new StructCodec<>(
          "range_rule_key",
          28,
          List.of(
              new Field("prefix_length", 0, 4),
              new Field("netns_cookie", 4, 8),
              new Field("address_be", 12, 16)),
          (value, struct) -> {
            struct.putInt(0, COOKIE_BITS + commonPrefixLength(value.range));
            struct.putInt(4, (int) value.netnsCookie);
            struct.putInt(8, (int) (value.netnsCookie >>> 32));
            Wire.putAddress(struct, 12, value.range.network());
          },
          struct -> {
            long cookie = (struct.getInt(4) & 0xffff_ffffL) | (long) struct.getInt(8) << 32;
            byte[] bytes = new byte[IpAddresses.COMMON_LENGTH];
            struct.get(12, bytes);
            var network = IpAddresses.of(bytes);
            int length = struct.getInt(0) - COOKIE_BITS;
            boolean ipv4 = network.getAddress().length == 4;
            return new RangeRuleKey(
                cookie, new Cidr(network, ipv4 ? length - MAPPED_BITS : length));
          });

  private static int commonPrefixLength(Cidr range) {
    return range.network().getAddress().length == 4
        ? range.prefixLength() + MAPPED_BITS
        : range.prefixLength();
  }
}
