package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * Tells an instance of the steering program whom it serves.
 *
 * @param netnsCookie the pod
 */
public record PodSelfValue(long netnsCookie) {
  /** Mirrors {@code struct pod_self}. */
  public static final StructCodec<PodSelfValue> CODEC =
      new StructCodec<>(
          "pod_self",
          8,
          List.of(new Field("netns_cookie", 0, 8)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
          },
          struct -> new PodSelfValue(struct.getLong(0)));
}
