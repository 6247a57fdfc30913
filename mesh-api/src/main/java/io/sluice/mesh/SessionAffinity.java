package io.sluice.mesh;

/**
 * Whether a service's endpoint depends on who calls, as {@code spec.sessionAffinity} has it.
 *
 * @param byClient the same endpoint for every connection from one client address; else any
 * @param mostPercent of the mean of what the endpoints have: one with as much gets no further
 *     client's connection; 0: however much it has
 */
public record SessionAffinity(boolean byClient, int mostPercent) {
  /** Any endpoint for any connection. */
  public static final SessionAffinity NONE = new SessionAffinity(false, 0);

  /** The same endpoint for every connection from one client address. */
  public static final SessionAffinity CLIENT_IP = new SessionAffinity(true, 0);

  /** Largest {@link #mostPercent}. */
  public static final int LARGEST_PERCENT = 1_000;

  public SessionAffinity {
    if (mostPercent != 0 && (!byClient || mostPercent < 100 || mostPercent > LARGEST_PERCENT)) {
      throw new IllegalArgumentException(
          mostPercent + " % of the mean is outside 100.." + LARGEST_PERCENT);
    }
  }

  /** Its word in status answers. */
  public String word() {
    return byClient ? "CLIENT_IP" : "NONE";
  }
}
