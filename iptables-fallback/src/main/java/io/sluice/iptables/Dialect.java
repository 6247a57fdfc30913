package io.sluice.iptables;

/**
 * What the kernel's modules allow beyond REDIRECT and the mark match; found by trying.
 *
 * @param ownAddress whether DNAT works: redirected connections then go to the pod's own address,
 *     which a socket bound to the primary interface reaches; loopback it never does
 * @param reset whether REJECT works: a refused connection attempt then ends at once, else it times
 *     out
 */
public record Dialect(boolean ownAddress, boolean reset) {
  /** Everything. */
  public static final Dialect FULL = new Dialect(true, true);

  /** The least: REDIRECT and DROP. */
  public static final Dialect MINIMAL = new Dialect(false, false);
}
