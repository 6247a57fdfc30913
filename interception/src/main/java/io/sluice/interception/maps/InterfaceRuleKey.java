package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * An interface that a pod does not want intercepted.
 *
 * @param netnsCookie the pod
 * @param ifindex index inside the pod
 */
public record InterfaceRuleKey(long netnsCookie, int ifindex) {
  /** Mirrors {@code struct interface_rule_key}. */
  public static final StructCodec<InterfaceRuleKey> CODEC =
      new StructCodec<>(
          "interface_rule_key",
          16,
          List.of(new Field("netns_cookie", 0, 8), new Field("ifindex", 8, 4)),
          (value, struct) -> {
            struct.putLong(0, value.netnsCookie);
            struct.putInt(8, value.ifindex);
          },
          struct -> new InterfaceRuleKey(struct.getLong(0), struct.getInt(8)));
}
