package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One verdict as a hook reports it.
 *
 * @param monotonicNanos CLOCK_MONOTONIC
 * @param netnsCookie the pod
 * @param source null when the hook runs before a source is chosen
 * @param destination before redirection
 * @param protocol IANA number
 * @param direction of the flow
 * @param outcome what became of it
 * @param reason why
 */
public record EventValue(
    long monotonicNanos,
    long netnsCookie,
    @Nullable InetSocketAddress source,
    InetSocketAddress destination,
    int protocol,
    Direction direction,
    Outcome outcome,
    Reason reason) {
  /** Mirrors {@code struct event}. */
  public static final StructCodec<EventValue> CODEC =
      new StructCodec<>(
          "event",
          56,
          List.of(
              new Field("monotonic_nanos", 0, 8),
              new Field("netns_cookie", 8, 8),
              new Field("source_be", 16, 16),
              new Field("destination_be", 32, 16),
              new Field("source_port_be", 48, 2),
              new Field("destination_port_be", 50, 2),
              new Field("protocol", 52, 1),
              new Field("direction", 53, 1),
              new Field("outcome", 54, 1),
              new Field("reason", 55, 1)),
          (value, struct) -> {
            throw new UnsupportedOperationException("events are written by the programs");
          },
          struct ->
              new EventValue(
                  struct.getLong(0),
                  struct.getLong(8),
                  Wire.address(struct, 16) == null ? null : Wire.endpoint(struct, 16, 48),
                  Wire.endpoint(struct, 32, 50),
                  Wire.unsignedByte(struct, 52),
                  Direction.ofCode(Wire.unsignedByte(struct, 53)),
                  Outcome.ofCode(Wire.unsignedByte(struct, 54)),
                  Reason.ofCode(Wire.unsignedByte(struct, 55)).orElse(Reason.INTERNAL_ERROR)));
}
