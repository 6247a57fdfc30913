package io.sluice.control.lease;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How one controller stands among several.
 *
 * @param identity of this one
 * @param held whether it may write now
 * @param holder identity of who has the Lease, as last seen; empty where nobody is known to
 * @param rivalOrNull another one that was seen alive, by its renewals; null for none
 * @param problemOrNull why the Lease cannot be read or written; null where it can
 */
public record LeaseState(
    String identity,
    boolean held,
    String holder,
    @Nullable String rivalOrNull,
    @Nullable String problemOrNull) {
  /** Another controller that is alive and holds the Lease. */
  public Optional<String> rival() {
    return Optional.ofNullable(rivalOrNull);
  }

  /** Why the Lease cannot be read or written, and what to do. */
  public Optional<String> problem() {
    return Optional.ofNullable(problemOrNull);
  }
}
