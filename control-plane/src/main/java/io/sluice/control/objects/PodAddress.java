package io.sluice.control.objects;

import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;

/** Addresses that a Pod, an endpoint or a cluster IP may have. */
final class PodAddress {
  static final String MEND = "write a unicast IPv4 or IPv6 address without zone or prefix length";

  private PodAddress() {}

  /** Parses a unicast address; the ones that mean every host or this host are refused. */
  static InetAddress parse(String text) {
    InetAddress address = IpAddresses.parse(text);
    if (address.isAnyLocalAddress()
        || address.isLoopbackAddress()
        || address.isMulticastAddress()) {
      throw new IllegalArgumentException(
          "'" + text + "' cannot be the address of a pod or service");
    }
    return address;
  }
}
