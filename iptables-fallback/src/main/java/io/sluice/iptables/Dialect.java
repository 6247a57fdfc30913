package io.sluice.iptables;

/**
 * What the kernel's modules allow beyond REDIRECT and the mark match; found by trying.
 *
 * @param ownAddress whether DNAT works: redirected connections then go to the pod's own address,
 *     which a socket bound to the primary interface reaches; loopback it never does
 * @param reset whether REJECT works: a refused connection attempt then ends at once, else it times
 *     out
 * @param length whether packets can be told by their length; else every echo request is refused
 *     where plain ones would pass
 */
public record Dialect(boolean ownAddress, boolean reset, boolean length) {
  /** Everything. */
  public static final Dialect FULL = new Dialect(true, true, true);

  /** The least: REDIRECT and DROP. */
  public static final Dialect MINIMAL = new Dialect(false, false, false);
}
