package io.sluice.proxy.http;

import java.util.Locale;
import java.util.Set;

/** Fields that belong to one connection, and go no further (RFC 9110 §7.6.1). */
final class HopByHop {
  /** Without these a message would be another one, whatever Connection says. */
  private static final Set<String> NEVER = Set.of("host", "content-length", "transfer-encoding");

  /** What decides of a message must stand before its content (RFC 9110 §6.5.1). */
  private static final Set<String> NO_TRAILERS =
      Set.of(
          "host",
          "content-length",
          "transfer-encoding",
          "connection",
          "upgrade",
          "te",
          "expect",
          "authorization",
          "proxy-authorization",
          "cookie",
          "x-forwarded-client-cert");

  /** That Connection names; each is looked for among all fields. */
  private static final int MOST_OPTIONS = 32;

  private static final String[] NOTHING = {};
  private static final long OF_CONNECTION =
      Fields.kinds("Connection", "Upgrade", "Keep-Alive", "Proxy-Connection", "TE");

  private HopByHop() {}

  /**
   * Takes them out of a head of HTTP/1, but for what of them is asked of the other end too: an
   * upgrade is noted in the head, and {@code TE: trailers} stays.
   *
   * @return whether the connection may be used again
   */
  static boolean strip(Head head, boolean http10) throws BadMessage {
    Fields fields = head.fields;
    if (!fields.mayHaveAny(OF_CONNECTION)) {
      return !http10;
    }
    String listed = fields.joined("Connection");
    boolean close = false;
    boolean keepAlive = false;
    boolean upgrades = false;
    if (listed != null) {
      fields.remove("Connection");
      keepAlive = listed.equalsIgnoreCase("keep-alive"); // as most say it, and nothing else
      String[] items = keepAlive ? NOTHING : listed.split(",", MOST_OPTIONS + 1);
      if (items.length > MOST_OPTIONS) {
        throw new BadMessage(400, "Connection has more than " + MOST_OPTIONS + " options");
      }
      for (String item : items) {
        String option = item.strip().toLowerCase(Locale.ROOT);
        switch (option) {
          case "", "te" -> {}
          case "close" -> close = true;
          case "keep-alive" -> keepAlive = true;
          case "upgrade" -> upgrades = true;
          default -> remove(fields, option);
        }
      }
    }
    upgrade(head, upgrades && !http10);
    fields.remove("Keep-Alive");
    fields.remove("Proxy-Connection");
    String te = fields.joined("TE");
    if (te != null) {
      fields.remove("TE");
      if (te.toLowerCase(Locale.ROOT).contains("trailers")) {
        fields.add("TE", "trailers");
      }
    }
    return !close && (!http10 || keepAlive);
  }

  private static void remove(Fields fields, String option) throws BadMessage {
    if (!Octets.isToken(option) || NEVER.contains(option)) {
      throw new BadMessage(400, "Connection names what belongs to the message");
    }
    fields.remove(option);
  }

  /** The way to HTTP/2 that RFC 9113 §3.1 took away is not offered: it stays HTTP/1.1. */
  private static void upgrade(Head head, boolean asked) {
    String protocol = head.fields.joined("Upgrade");
    if (protocol == null) {
      return;
    }
    head.fields.remove("Upgrade");
    head.fields.remove("HTTP2-Settings");
    if (asked && isProtocol(protocol) && !protocol.toLowerCase(Locale.ROOT).startsWith("h2")) {
      head.upgrade = protocol;
    }
  }

  private static boolean isProtocol(String text) {
    int slash = text.indexOf('/');
    return slash < 0
        ? Octets.isToken(text)
        : Octets.isToken(text.substring(0, slash)) && Octets.isToken(text.substring(slash + 1));
  }

  /**
   * Whether that one, with a name in lower case, makes a message of HTTP/2 malformed (RFC 9113
   * §8.2.2).
   */
  static boolean isOfConnection(String name, String value) {
    return switch (name) {
      case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade" -> true;
      case "te" -> !value.equals("trailers");
      default -> false;
    };
  }

  /** Whether a trailer has a name that must stand in the head. */
  static boolean hasForbidden(Fields trailers) {
    for (int i = 0; i < trailers.size(); i++) {
      if (NO_TRAILERS.contains(trailers.name(i).replace('_', '-').toLowerCase(Locale.ROOT))) {
        return true;
      }
    }
    return false;
  }
}
