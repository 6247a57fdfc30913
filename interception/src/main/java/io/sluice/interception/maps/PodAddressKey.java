package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetAddress;
import java.util.List;

/**
 * One address of one pod.
 *
 * @param netnsCookie the pod
 * @param address of either family
 */
public record PodAddressKey(long netnsCookie, InetAddress address) {
  /** Mirrors {@code struct pod_address_key}. */
  public static final StructCodec<PodAddressKey> CODEC =
      new StructCodec<>(
          "pod_address_key",
          24,
          List.of(new Field("netns_cookie", 0, 8), new Field("address_be", 8, 16)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            Wire.putAddress(struct, 8, value.address);
          },
          struct -> new PodAddressKey(struct.getLong(0), Wire.rawAddress(struct, 8)));
}
