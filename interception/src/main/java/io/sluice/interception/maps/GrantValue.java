package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.decision.FastPath;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a call goes without the proxy.
 *
 * @param endpoints one of which the programs choose by chance; at most {@link
 *     FastPath#MAX_ENDPOINTS}
 */
public record GrantValue(List<GrantEndpoint> endpoints) {
  private static final int ENDPOINT_BYTES = 32;
  private static final int FIRST = 8;

  /**
   * A pod of the node.
   *
   * @param netnsCookie of the pod called
   * @param address of its application
   */
  public record GrantEndpoint(long netnsCookie, InetSocketAddress address) {}

  public GrantValue {
    endpoints = List.copyOf(endpoints);
    if (endpoints.isEmpty() || endpoints.size() > FastPath.MAX_ENDPOINTS) {
      throw new IllegalArgumentException(endpoints.size() + " endpoints are none or too many");
    }
  }

  /** Mirrors {@code struct grant}. */
  public static final StructCodec<GrantValue> CODEC =
      new StructCodec<>(
          "grant",
          FIRST + FastPath.MAX_ENDPOINTS * ENDPOINT_BYTES,
          List.of(
              new Field("count", 0, 4),
              new Field("endpoints", FIRST, FastPath.MAX_ENDPOINTS * ENDPOINT_BYTES)),
          (value, struct) -> {
            struct.putInt(0, value.endpoints.size());
            int at = FIRST;
            for (GrantEndpoint endpoint : value.endpoints) {
              struct.putLong(at, endpoint.netnsCookie);
              Wire.putAddress(struct, at + 8, endpoint.address.getAddress());
              Wire.putPort(struct, at + 24, endpoint.address.getPort());
              at += ENDPOINT_BYTES;
            }
          },
          struct -> {
            List<GrantEndpoint> endpoints = new ArrayList<>();
            for (int i = 0; i < struct.getInt(0); i++) {
              int at = FIRST + i * ENDPOINT_BYTES;
              endpoints.add(
                  new GrantEndpoint(struct.getLong(at), Wire.endpoint(struct, at + 8, at + 24)));
            }
            return new GrantValue(endpoints);
          });
}
