package io.sluice.mesh.svid;

import java.time.Instant;
import java.time.InstantSource;

/** What time it is, for whoever judges by it, and how much that is worth. Any thread; no I/O. */
@FunctionalInterface
public interface SiteTime extends InstantSource {
  /** The machine's wall clock, believed. */
  SiteTime SYSTEM = Instant::now;

  /** Why the wall clock is not believed, in words; empty while it is. */
  default String doubt() {
    return "";
  }

  /**
   * Whether {@link #instant} is only a moment that has passed for certain. Such a one proves that
   * something has ended, and never that something has not begun.
   */
  default boolean isLowerBound() {
    return !doubt().isEmpty();
  }

  /** The same clock, where it knows what it is worth; any other is believed. */
  static SiteTime of(InstantSource source) {
    return source instanceof SiteTime known ? known : source::instant;
  }
}
