package io.sluice.linux.socket;

import io.sluice.linux.socket.Sockets.Family;

/**
 * One port of each address family.
 *
 * @param ipv4 0..65535; 0 where there is none
 * @param ipv6 likewise
 */
public record FamilyPorts(int ipv4, int ipv6) {
  /** No port at all. */
  public static final FamilyPorts NONE = new FamilyPorts(0, 0);

  public FamilyPorts {
    require(ipv4);
    require(ipv6);
  }

  /** The port of that family. */
  public int of(Family family) {
    return family == Family.IPV4 ? ipv4 : ipv6;
  }

  /** These with another port of one family. */
  public FamilyPorts with(Family family, int port) {
    return family == Family.IPV4 ? new FamilyPorts(port, ipv6) : new FamilyPorts(ipv4, port);
  }

  private static void require(int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port " + port + " is outside 0..65535");
    }
  }
}
