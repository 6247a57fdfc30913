package io.sluice.node.store;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How the store stands.
 *
 * @param savedAtOrNull when the newest snapshot on the disk was written; null when there is none
 * @param problem what cannot be used or written now; empty when all is well
 * @param faults how often each fault was met since the start, for each kind
 */
public record StoreStatus(
    @Nullable Instant savedAtOrNull, String problem, Map<StoreFault, Long> faults) {
  public StoreStatus {
    faults = Map.copyOf(faults);
  }

  /** When the newest snapshot on the disk was written. */
  public Optional<Instant> savedAt() {
    return Optional.ofNullable(savedAtOrNull);
  }
}
