package io.sluice.node.maps;

import java.util.EnumSet;
import java.util.Set;

/** Bits of {@code struct pod.flags}; mirrors {@code enum pod_flag}. */
public enum PodFlag {
  PERMISSIVE,
  FAIL_OPEN,
  HAS_INCLUSIONS,
  LEAVING;

  /** The bit. */
  public int bit() {
    return 1 << ordinal();
  }

  /** All bits of {@code flags}. */
  public static int bits(Set<PodFlag> flags) {
    return flags.stream().mapToInt(PodFlag::bit).sum();
  }

  /** The flags whose bits are set. */
  public static Set<PodFlag> of(int bits) {
    Set<PodFlag> flags = EnumSet.noneOf(PodFlag.class);
    for (PodFlag flag : values()) {
      if ((bits & flag.bit()) != 0) {
        flags.add(flag);
      }
    }
    return flags;
  }
}
