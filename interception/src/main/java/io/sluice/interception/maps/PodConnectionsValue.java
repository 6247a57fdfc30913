package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * How many connections a pod is opening. Counted by the programs alone, which is why nobody else
 * may remove an entry of {@code connections}.
 *
 * @param opening its entries in that map; unsigned
 * @param enrolment chosen anew each time the pod is enrolled: entries of an earlier time are not in
 *     the count
 * @param fast its entries in {@code fast_connections}; unsigned
 */
public record PodConnectionsValue(int opening, int enrolment, int fast) {
  /** Of a pod that opens none. */
  public static PodConnectionsValue none(int enrolment) {
    return new PodConnectionsValue(0, enrolment, 0);
  }

  /** Mirrors {@code struct pod_connections}. */
  public static final StructCodec<PodConnectionsValue> CODEC =
      new StructCodec<>(
          "pod_connections",
          16,
          List.of(
              new Field("opening", 0, 4), new Field("enrolment", 4, 4), new Field("fast", 8, 4)),
          (value, struct) -> {
            struct.putInt(0, value.opening);
            struct.putInt(4, value.enrolment);
            struct.putInt(8, value.fast);
          },
          struct -> new PodConnectionsValue(struct.getInt(0), struct.getInt(4), struct.getInt(8)));
}
