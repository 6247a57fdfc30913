package io.sluice.control.kubernetes;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The header by which a server asks to be left alone for a while (RFC 9110 §10.2.3). The API server
 * writes seconds; a date, which needs a common clock, counts as none.
 */
final class RetryAfter {
  /** A server that is up again must not wait longer for us. */
  private static final Duration LONGEST = Duration.ofMinutes(1);

  private RetryAfter() {}

  static Duration of(@Nullable String header) {
    if (header == null || !header.strip().matches("[0-9]{1,9}")) {
      return Duration.ZERO;
    }
    Duration asked = Duration.ofSeconds(Long.parseLong(header.strip()));
    return asked.compareTo(LONGEST) < 0 ? asked : LONGEST;
  }
}
