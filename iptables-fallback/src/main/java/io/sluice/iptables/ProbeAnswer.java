package io.sluice.iptables;

import io.sluice.linux.socket.Sockets.Family;

/**
 * What one variant can do for one family on this kernel, found by trying.
 *
 * @param variant {@code nft}, {@code legacy} or {@code plain}
 * @param ability what came out
 * @param dialect how, when it can do anything
 * @param reason why not more; empty when it redirects with the full dialect
 */
public record ProbeAnswer(
    Family family, String variant, Ability ability, Dialect dialect, String reason) {

  /** From best to worst. */
  public enum Ability {
    /** A connection arrived at the listener with its original destination. */
    REDIRECTS,
    /** Only filtering works: traffic of this family can be refused. */
    REFUSES,
    /** Not even that. */
    NOTHING
  }
}
