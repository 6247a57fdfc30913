package io.sluice.mesh.decision;

import java.util.Locale;

/** Away from or towards the local workload. The codes are those of {@code sluice_maps.h}. */
public enum Direction {
  OUTBOUND(0),
  INBOUND(1);

  private final int code;

  Direction(int code) {
    this.code = code;
  }

  /** Value of {@code enum sluice_direction}. */
  public int code() {
    return code;
  }

  /** Value of the metric label {@code direction}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
