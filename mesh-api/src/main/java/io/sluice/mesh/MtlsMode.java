package io.sluice.mesh;

import java.util.Locale;
import java.util.Optional;

/** What a workload demands of connections whose source no listener of the node proves. */
public enum MtlsMode {
  /** A certificate has to prove the source. */
  STRICT,
  /** Plaintext is decided by the other rules, as from a source without identity. */
  PERMISSIVE;

  /** The mode with this name, in capitals as Istio writes it; empty for an unknown one. */
  public static Optional<MtlsMode> ofWord(String word) {
    for (MtlsMode mode : values()) {
      if (mode.name().equals(word)) {
        return Optional.of(mode);
      }
    }
    return Optional.empty();
  }

  /** Name in status and labels. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
