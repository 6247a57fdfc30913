package io.sluice.control.authority;

/**
 * State of an authority, for readiness, metrics and people.
 *
 * @param condition whether it signs
 * @param detail what is wrong and what to do, or what is in use when nothing is wrong
 */
public record AuthorityHealth(Condition condition, String detail) {
  /** Whether requests are served, ordered from good to bad. */
  public enum Condition {
    /** Signs. */
    READY,
    /** Signs, but somebody has to act before it stops. */
    DEGRADED,
    /** Does not sign now. */
    UNAVAILABLE
  }
}
