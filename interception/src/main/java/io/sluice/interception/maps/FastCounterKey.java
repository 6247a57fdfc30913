package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Of which connections that the kernel leads something is counted.
 *
 * @param callerCookie of the pod that calls
 * @param netnsCookie of the pod called
 * @param called what the application called
 */
public record FastCounterKey(long callerCookie, long netnsCookie, InetSocketAddress called) {
  /** Mirrors {@code struct fast_counter_key}. */
  public static final StructCodec<FastCounterKey> CODEC =
      new StructCodec<>(
          "fast_counter_key",
          40,
          List.of(
              new Field("caller_cookie", 0, 8),
              new Field("netns_cookie", 8, 8),
              new Field("called_be", 16, 16),
              new Field("called_port_be", 32, 2)),
          (value, struct) -> {
            struct.putLong(0, value.callerCookie);
            struct.putLong(8, value.netnsCookie);
            Wire.putAddress(struct, 16, value.called.getAddress());
            Wire.putPort(struct, 32, value.called.getPort());
          },
          struct ->
              new FastCounterKey(
                  struct.getLong(0), struct.getLong(8), Wire.endpoint(struct, 16, 32)));
}
