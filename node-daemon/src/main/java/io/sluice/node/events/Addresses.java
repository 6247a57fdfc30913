package io.sluice.node.events;

import java.net.Inet6Address;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Addresses as people write them: {@code 10.0.0.1:80}, {@code [fd00::1]:80}. */
public final class Addresses {
  private Addresses() {}

  /** Text of {@code address}; null stays null. */
  public static @Nullable String text(@Nullable InetSocketAddress address) {
    if (address == null) {
      return null;
    }
    String host = address.getAddress().getHostAddress();
    return address.getAddress() instanceof Inet6Address
        ? "[" + compact(host) + "]:" + address.getPort()
        : host + ":" + address.getPort();
  }

  /** The longest run of zero groups becomes {@code ::} (RFC 5952 §4.2). */
  public static String compact(String host) {
    if (host.indexOf(':') < 0) {
      return host;
    }
    String[] groups = host.split(":");
    int bestStart = -1;
    int bestLength = 1;
    for (int i = 0; i < groups.length; i++) {
      int length = 0;
      while (i + length < groups.length && groups[i + length].equals("0")) {
        length++;
      }
      if (length > bestLength) {
        bestStart = i;
        bestLength = length;
      }
    }
    if (bestStart < 0) {
      return host;
    }
    String left = String.join(":", java.util.Arrays.copyOfRange(groups, 0, bestStart));
    String right =
        String.join(
            ":", java.util.Arrays.copyOfRange(groups, bestStart + bestLength, groups.length));
    return left + "::" + right;
  }
}
