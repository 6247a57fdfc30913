package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * A connection that the kernel leads without the proxy; written by the programs alone.
 *
 * @param callerCookie of the pod that calls
 * @param openedNanos of the kernel's monotonic clock; 0 while nobody has answered
 * @param sent bytes of the caller, about a round trip ago
 * @param received bytes to the caller, alike
 * @param called what its application called
 */
public record FastConnectionValue(
    long callerCookie, long openedNanos, long sent, long received, InetSocketAddress called) {
  /** Mirrors {@code struct fast_connection}; other fields are of the programs alone. */
  public static final StructCodec<FastConnectionValue> CODEC =
      new StructCodec<>(
          "fast_connection",
          72,
          List.of(
              new Field("caller_cookie", 0, 8),
              new Field("opened_nanos", 8, 8),
              new Field("sent", 16, 8),
              new Field("received", 24, 8),
              new Field("called_be", 32, 16),
              new Field("enrolment", 48, 4),
              new Field("accepted", 52, 4),
              new Field("ended", 56, 4),
              new Field("reset_by", 60, 4),
              new Field("called_port_be", 64, 2)),
          (value, struct) -> {
            struct.putLong(0, value.callerCookie);
            struct.putLong(8, value.openedNanos);
            struct.putLong(16, value.sent);
            struct.putLong(24, value.received);
            Wire.putAddress(struct, 32, value.called.getAddress());
            Wire.putPort(struct, 64, value.called.getPort());
          },
          struct ->
              new FastConnectionValue(
                  struct.getLong(0),
                  struct.getLong(8),
                  struct.getLong(16),
                  struct.getLong(24),
                  Wire.endpoint(struct, 32, 64)));
}
