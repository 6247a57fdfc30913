package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * Settings of all programs.
 *
 * @param hostNetnsCookie the node's own network namespace
 * @param flags bit 0: an event for every verdict
 */
public record ConfigValue(long hostNetnsCookie, int flags) {
  /** Mirrors {@code struct config}. */
  public static final StructCodec<ConfigValue> CODEC =
      new StructCodec<>(
          "config",
          16,
          List.of(new Field("host_netns_cookie", 0, 8), new Field("flags", 8, 4)),
          (value, struct) -> {
            struct.putLong(0, value.hostNetnsCookie);
            struct.putInt(8, value.flags);
          },
          struct -> new ConfigValue(struct.getLong(0), struct.getInt(8)));
}
