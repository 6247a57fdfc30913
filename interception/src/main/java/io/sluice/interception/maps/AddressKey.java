package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetAddress;
import java.util.List;

/**
 * An address alone.
 *
 * @param address of either family
 */
public record AddressKey(InetAddress address) {
  /** Mirrors {@code struct address_key}. */
  public static final StructCodec<AddressKey> CODEC =
      new StructCodec<>(
          "address_key",
          16,
          List.of(new Field("address_be", 0, 16)),
          (value, struct) -> {
            Wire.putAddress(struct, 0, value.address);
          },
          struct -> new AddressKey(Wire.rawAddress(struct, 0)));
}
