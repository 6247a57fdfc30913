package io.sluice.mesh.decision;

import java.util.Locale;

/** What becomes of a flow. The codes are those of {@code enum sluice_outcome}. */
public enum Outcome {
  /** Refused: reset, or an error at the system call. */
  REFUSED(0),
  /** Sent into the proxy. */
  REDIRECTED(1),
  /** Deliberately left alone. */
  PASSTHROUGH(2),
  /** Let through by the proxy, after policy. */
  ALLOWED(3);

  private final int code;
  private final String label = name().toLowerCase(Locale.ROOT);

  Outcome(int code) {
    this.code = code;
  }

  /** Value of {@code enum sluice_outcome}. */
  public int code() {
    return code;
  }

  /** Value of the metric label {@code verdict}. */
  public String label() {
    return label;
  }

  /** The constant with this code; throws {@link IllegalArgumentException} for an unknown one. */
  public static Outcome ofCode(int code) {
    for (Outcome candidate : values()) {
      if (candidate.code == code) {
        return candidate;
      }
    }
    throw new IllegalArgumentException("no outcome has code " + code);
  }
}
