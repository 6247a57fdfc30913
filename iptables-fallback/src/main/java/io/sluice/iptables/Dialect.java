package io.sluice.iptables;

/**
 * What the kernel's modules allow beyond REDIRECT and a way to tell the proxy's own sockets; found
 * by trying.
 *
 * @param ownAddress whether DNAT works: redirected connections then go to the pod's own address,
 *     which a socket bound to the primary interface reaches; loopback it never does
 * @param reset whether REJECT works: a refused connection attempt then ends at once, else it times
 *     out
 * @param length whether packets can be told by their length; else every echo request is refused
 *     where plain ones would pass
 * @param proxyCgroup the cgroup by which the proxy's sockets are told, from the root of cgroup2;
 *     empty where the kernel cannot: then by a mark, which a program in the pod may set too
 */
public record Dialect(boolean ownAddress, boolean reset, boolean length, String proxyCgroup) {
  /** Everything. */
  public static final Dialect FULL = new Dialect(true, true, true, "");

  /** The least: REDIRECT and DROP. */
  public static final Dialect MINIMAL = new Dialect(false, false, false, "");

  /** The same, which tells the proxy's sockets by their cgroup. */
  Dialect tellingProxyBy(String cgroup) {
    return new Dialect(ownAddress, reset, length, cgroup);
  }

  /** Whether a mark makes a socket the proxy's. */
  boolean believesMarks() {
    return proxyCgroup.isEmpty();
  }
}
