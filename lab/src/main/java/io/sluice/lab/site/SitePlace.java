package io.sluice.lab.site;

import io.sluice.linux.socket.Sockets.Family;

/**
 * One node among those of a test.
 *
 * @param nodeName what Pods call it in {@code spec.nodeName}; empty when they do not say
 * @param number chooses its networks; 0 for the only node
 */
public record SitePlace(String nodeName, int number) {
  /** The only node there is: its pods say nothing, and reach everything without a router. */
  public static final SitePlace ALONE = new SitePlace("", 0);

  private static final int FIRST_NETWORK = 77;

  /** Prefix length of {@link #network}, for each of the families. */
  static int prefixLength(Family family) {
    return family == Family.IPV4 ? 16 : 64;
  }

  /** The common beginning of all its pods' addresses. */
  String network(Family family) {
    return switch (family) {
      case IPV4 -> "10." + (FIRST_NETWORK + number);
      case IPV6 -> number == 0 ? "fd77" : "fd77:0:0:" + Integer.toHexString(number);
    };
  }

  /** Whether other networks are reached through the node. */
  boolean isRouted() {
    return number != 0;
  }
}
