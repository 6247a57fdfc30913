package io.sluice.mesh;

import java.net.InetAddress;

/**
 * Where redirected IPv6 connections go inside a pod: a prefix that leads nowhere (RFC 9780 §3), all
 * addresses of which are the pod's own loopback. IPv4 has 127.0.0.0/8 for that, of IPv6 one address
 * is loopback everywhere (RFC 4291 §2.5.3).
 */
public final class LoopbackRange {
  /** Mirrors {@code SLUICE_LOOPBACK6_NET} in {@code sluice_maps.h}. */
  public static final Cidr IPV6 = Cidr.parse("100:0:0:1::/64");

  private LoopbackRange() {}

  /** Whether what is sent there from a pod stays inside or is refused. */
  public static boolean isLoopback(InetAddress address) {
    return address.isLoopbackAddress() || IPV6.contains(address);
  }
}
