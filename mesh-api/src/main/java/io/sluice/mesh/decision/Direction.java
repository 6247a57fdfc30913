package io.sluice.mesh.decision;

import java.util.Locale;

/** Away from or towards the local workload. The codes are those of {@code sluice_maps.h}. */
public enum Direction {
  OUTBOUND(0),
  INBOUND(1);

  private final int code;
  private final String label = name().toLowerCase(Locale.ROOT);

  Direction(int code) {
    this.code = code;
  }

  /** Value of {@code enum sluice_direction}. */
  public int code() {
    return code;
  }

  /** Value of the metric label {@code direction}. */
  public String label() {
    return label;
  }

  /** The constant with this code; throws {@link IllegalArgumentException} for an unknown one. */
  public static Direction ofCode(int code) {
    for (Direction candidate : values()) {
      if (candidate.code == code) {
        return candidate;
      }
    }
    throw new IllegalArgumentException("no direction has code " + code);
  }
}
