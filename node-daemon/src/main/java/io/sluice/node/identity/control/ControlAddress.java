package io.sluice.node.identity.control;

import java.util.regex.Pattern;

/**
 * Where the controller is.
 *
 * @param host a name, looked up at each connection, or an address; IPv6 without brackets
 * @param port 1 to 65535
 */
public record ControlAddress(String host, int port) {
  private static final int LONGEST_HOST = 253;
  private static final int LAST_PORT = 65_535;
  private static final Pattern NAME_OR_IPV4 = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]*)");
  private static final Pattern IPV6 =
      Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?");
  private static final String FORM = "; write HOST:PORT, an IPv6 address in brackets";

  /** Parses {@code HOST:PORT}; anything else is refused with the text and the mend. */
  public static ControlAddress parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon <= 0 || text.endsWith("]")) {
      throw new IllegalArgumentException("'" + text + "' has no port" + FORM);
    }
    String host = text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (bracketed) {
      host = host.substring(1, host.length() - 1);
    }
    if (host.length() > LONGEST_HOST
        || !(bracketed ? IPV6 : NAME_OR_IPV4).matcher(host).matches()) {
      throw new IllegalArgumentException("'" + text + "' names no host" + FORM);
    }
    return new ControlAddress(host, port(text, text.substring(colon + 1)));
  }

  private static int port(String text, String digits) {
    try {
      int port = Integer.parseInt(digits);
      if (port >= 1 && port <= LAST_PORT) {
        return port;
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("'" + text + "' has no valid port" + FORM, e);
    }
    throw new IllegalArgumentException("'" + text + "' has no valid port" + FORM);
  }

  /** As it is written. */
  @Override
  public String toString() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
