package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * A pod by its network namespace.
 *
 * @param netnsCookie unique within one boot (SO_NETNS_COOKIE)
 */
public record PodKey(long netnsCookie) {
  /** Mirrors {@code struct pod_key}. */
  public static final StructCodec<PodKey> CODEC =
      new StructCodec<>(
          "pod_key",
          8,
          List.of(new Field("netns_cookie", 0, 8)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
          },
          struct -> new PodKey(struct.getLong(0)));
}
