package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.List;

/**
 * What a verdict is counted under.
 *
 * @param netnsCookie the pod
 * @param direction of the flow
 * @param family 4 or 6, as on the wire
 * @param outcome what became of the flow
 * @param reason why
 */
public record CounterKey(
    long netnsCookie, Direction direction, int family, Outcome outcome, Reason reason) {
  /** Mirrors {@code struct counter_key}. */
  public static final StructCodec<CounterKey> CODEC =
      new StructCodec<>(
          "counter_key",
          16,
          List.of(
              new Field("netns_cookie", 0, 8),
              new Field("direction", 8, 1),
              new Field("family", 9, 1),
              new Field("outcome", 10, 1),
              new Field("reason", 11, 1)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            struct.put(8, (byte) value.direction.code());
            struct.put(9, (byte) value.family);
            struct.put(10, (byte) value.outcome.code());
            struct.put(11, (byte) value.reason.code());
          },
          struct ->
              new CounterKey(
                  struct.getLong(0),
                  Direction.ofCode(Wire.unsignedByte(struct, 8)),
                  Wire.unsignedByte(struct, 9),
                  Outcome.ofCode(Wire.unsignedByte(struct, 10)),
                  Reason.ofCode(Wire.unsignedByte(struct, 11)).orElse(Reason.INTERNAL_ERROR)));
}
