package io.sluice.lab.demo;

import java.net.Inet6Address;
import java.net.InetAddress;

/** The two families everything is tried over. */
enum IpFamily {
  IPV4("IPv4", "ipv4", 24),
  IPV6("IPv6", "ipv6", 64);

  private final String title;
  private final String label;
  private final int prefixLength;

  IpFamily(String title, String label, int prefixLength) {
    this.title = title;
    this.label = label;
    this.prefixLength = prefixLength;
  }

  static IpFamily of(InetAddress address) {
    return address instanceof Inet6Address ? IPV6 : IPV4;
  }

  /** For people. */
  String title() {
    return title;
  }

  /** Value of the label {@code family} in metrics and dumps. */
  String label() {
    return label;
  }

  /** Of the demo's network. */
  int prefixLength() {
    return prefixLength;
  }
}
