package io.sluice.control.admission;

import java.time.Instant;

/**
 * A join token as people see it, without its secret.
 *
 * @param id public part of the token, 16 hexadecimal digits
 * @param nodeName the only name that it admits
 * @param created when it was made
 * @param expires first instant at which it is good no more
 * @param state what has become of it
 */
public record JoinToken(String id, String nodeName, Instant created, Instant expires, State state) {
  /** What has become of a token. */
  public enum State {
    /** Good for one admission. */
    OPEN,
    /** Used by the node. */
    USED,
    /** Was not used in time. */
    EXPIRED
  }
}
