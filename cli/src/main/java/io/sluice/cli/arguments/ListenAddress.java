package io.sluice.cli.arguments;

import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** {@code ADDRESS:PORT} as options have it; IPv6 in brackets, no address for every one. */
public final class ListenAddress {
  private ListenAddress() {}

  /**
   * Reads one.
   *
   * @param option for the message
   * @throws IllegalArgumentException naming option and text
   */
  public static InetSocketAddress parse(String option, String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 0) {
      throw new IllegalArgumentException(option + " '" + text + "' has no port");
    }
    String host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    InetAddress address = IpAddresses.parse(host.isEmpty() ? "::" : host);
    try {
      return new InetSocketAddress(address, Integer.parseInt(text.substring(colon + 1)));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(option + " '" + text + "' has no valid port", e);
    }
  }
}
