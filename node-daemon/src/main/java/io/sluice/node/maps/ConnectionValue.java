package io.sluice.node.maps;

import io.sluice.node.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * What one side of a connection knows and the other needs.
 *
 * @param address original destination or true client, by kind
 * @param kind {@code enum connection_kind}: 1 redirected, 2 from the proxy, 3 from the node
 */
public record ConnectionValue(InetSocketAddress address, int kind) {
  /** Mirrors {@code struct connection}. */
  public static final StructCodec<ConnectionValue> CODEC =
      new StructCodec<>(
          "connection",
          24,
          List.of(
              new Field("address_be", 0, 16),
              new Field("port_be", 16, 2),
              new Field("kind", 18, 1)),
          (value, struct) -> {
            Wire.putAddress(struct, 0, value.address.getAddress());
            Wire.putPort(struct, 16, value.address.getPort());
            struct.put(18, (byte) value.kind);
          },
          struct ->
              new ConnectionValue(Wire.endpoint(struct, 0, 16), Wire.unsignedByte(struct, 18)));
}
