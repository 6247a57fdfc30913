package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * What a pod calls.
 *
 * @param netnsCookie of the pod that calls
 * @param destination address of a service or a pod
 */
public record GrantKey(long netnsCookie, InetSocketAddress destination) {
  /** Mirrors {@code struct grant_key}. */
  public static final StructCodec<GrantKey> CODEC =
      new StructCodec<>(
          "grant_key",
          32,
          List.of(
              new Field("netns_cookie", 0, 8),
              new Field("destination_be", 8, 16),
              new Field("destination_port_be", 24, 2)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            Wire.putAddress(struct, 8, value.destination.getAddress());
            Wire.putPort(struct, 24, value.destination.getPort());
          },
          struct -> new GrantKey(struct.getLong(0), Wire.endpoint(struct, 8, 24)));
}
