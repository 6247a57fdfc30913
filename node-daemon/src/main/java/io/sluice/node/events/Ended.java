package io.sluice.node.events;

import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.RequestRecord;
import java.time.Instant;

/** What becomes a line of the access log, and when it ended. */
sealed interface Ended {
  record OfConnection(Instant time, AccessRecord record) implements Ended {}

  record OfRequest(Instant time, RequestRecord record) implements Ended {}

  static Ended now(AccessRecord record) {
    return new OfConnection(Instant.now(), record);
  }

  /** What a stranger put in is cut here, so that whatever is made of it is bounded too. */
  static Ended now(RequestRecord record) {
    return new OfRequest(Instant.now(), AccessLines.bounded(record));
  }
}
