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
 */
public record PodConnectionsValue(int opening, int enrolment) {
  /** Mirrors {@code struct pod_connections}. */
  public static final StructCodec<PodConnectionsValue> CODEC =
      new StructCodec<>(
          "pod_connections",
          8,
          List.of(new Field("opening", 0, 4), new Field("enrolment", 4, 4)),
          (value, struct) -> {
            struct.putInt(0, value.opening);
            struct.putInt(4, value.enrolment);
          },
          struct -> new PodConnectionsValue(struct.getInt(0), struct.getInt(4)));
}
