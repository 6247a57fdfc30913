package io.sluice.proxy;

import java.net.Inet4Address;
import java.net.InetAddress;

/** Address family of a socket; an IPv4-mapped address belongs to an IPv4 socket. */
public enum Family {
  IPV4,
  IPV6;

  /** Family of the socket that can reach {@code address}. */
  public static Family of(InetAddress address) {
    return address instanceof Inet4Address ? IPV4 : IPV6;
  }
}
