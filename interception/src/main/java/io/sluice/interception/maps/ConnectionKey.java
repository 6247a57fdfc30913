package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * A TCP connection that is being opened, by its tuple on the wire inside one pod.
 *
 * @param netnsCookie the pod
 * @param source connecting end
 * @param destination accepting end
 */
public record ConnectionKey(
    long netnsCookie, InetSocketAddress source, InetSocketAddress destination) {
  /** Mirrors {@code struct connection_key}. */
  public static final StructCodec<ConnectionKey> CODEC =
      new StructCodec<>(
          "connection_key",
          48,
          List.of(
              new Field("netns_cookie", 0, 8),
              new Field("source_be", 8, 16),
              new Field("destination_be", 24, 16),
              new Field("source_port_be", 40, 2),
              new Field("destination_port_be", 42, 2)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            Wire.putAddress(struct, 8, value.source.getAddress());
            Wire.putAddress(struct, 24, value.destination.getAddress());
            Wire.putPort(struct, 40, value.source.getPort());
            Wire.putPort(struct, 42, value.destination.getPort());
          },
          struct ->
              new ConnectionKey(
                  struct.getLong(0), Wire.endpoint(struct, 8, 40), Wire.endpoint(struct, 24, 42)));
}
