package io.sluice.proxy.http;

import java.util.regex.Pattern;

/**
 * One form for all paths that mean the same (RFC 3986 §6.2.2): policy matches it, and the
 * application gets it. Where applications differ in what a path means, it is refused.
 */
final class Paths {
  private static final String HEX = "0123456789ABCDEF";

  /** What ends a segment, or its name, for some reader: slash, backslash, parameters. */
  private static final Pattern END = Pattern.compile("(?:[/;]|%2[fF]|%5[cC]|%3[bB])");

  private static final Pattern DOT = Pattern.compile("%2[eE]");
  private static final Pattern ESCAPED_ESCAPES = Pattern.compile("%(?:25)+");

  /**
   * Characters in more octets than they have, which no UTF-8 is (RFC 3629 §3), also for who takes a
   * dot or the slash behind the segment for the second one.
   */
  private static final Pattern OVERLONG =
      Pattern.compile(
          "%(?:C[01]%[89AB]|C0\\.|E0%[89]|F0%8|F8%8[0-7]|FC%8[0-3])|\\.%C0$",
          Pattern.CASE_INSENSITIVE);

  private Paths() {}

  /**
   * Escapes of unreserved characters undone, the others in capitals; dot segments resolved; no
   * empty segments but a last one.
   *
   * @param path beginning with a slash, without the query
   */
  static String normalised(String path) throws BadMessage {
    if (isNormal(path)) {
      return path;
    }
    String unescaped = unescape(path);
    StringBuilder normal = new StringBuilder(unescaped.length());
    int start = 1;
    while (start <= unescaped.length()) {
      int slash = unescaped.indexOf('/', start);
      int end = slash < 0 ? unescaped.length() : slash;
      String segment = unescaped.substring(start, end);
      boolean last = slash < 0;
      if (segment.equals("..")) {
        if (normal.isEmpty()) {
          throw new BadMessage(400, "the path leads above its root");
        }
        normal.setLength(normal.lastIndexOf("/"));
        if (last) {
          normal.append('/');
        }
      } else if (segment.equals(".") || segment.isEmpty()) {
        if (last) {
          normal.append('/');
        }
      } else {
        checkSegment(segment);
        normal.append('/').append(segment);
      }
      start = end + 1;
    }
    return normal.isEmpty() ? "/" : normal.toString();
  }

  /** Nearly all are, so that nothing is made for them. */
  private static boolean isNormal(String path) {
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c == '%' || c == '\\' || c == ';') {
        return false;
      }
      if (c == '/' && i + 1 < path.length()) {
        char next = path.charAt(i + 1);
        if (next == '/' || next == '.') {
          return false;
        }
      }
    }
    return true;
  }

  private static String unescape(String path) throws BadMessage {
    StringBuilder text = new StringBuilder(path.length());
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c == '\\') {
        throw new BadMessage(400, "the path has a backslash");
      }
      if (c != '%') {
        text.append(c);
        continue;
      }
      int high = i + 2 < path.length() ? Character.digit(path.charAt(i + 1), 16) : -1;
      int low = i + 2 < path.length() ? Character.digit(path.charAt(i + 2), 16) : -1;
      if (high < 0 || low < 0) {
        throw new BadMessage(400, "the path has a percent sign that begins no escape");
      }
      int octet = high * 16 + low;
      if (octet < 0x20 || octet == 0x7f || octet == '\\') {
        throw new BadMessage(400, "the path has an escaped control character or backslash");
      }
      if (isUnreserved(octet)) {
        text.append((char) octet);
      } else {
        text.append('%').append(HEX.charAt(high)).append(HEX.charAt(low));
      }
      i += 2;
    }
    return text.toString();
  }

  private static boolean isUnreserved(int octet) {
    return (octet >= 'a' && octet <= 'z')
        || (octet >= 'A' && octet <= 'Z')
        || (octet >= '0' && octet <= '9')
        || octet == '-'
        || octet == '.'
        || octet == '_'
        || octet == '~';
  }

  /**
   * Some applications take an escaped slash for a slash, or a segment without its parameters, or
   * undo escapes more than once: a dot segment must not be in there for any of them.
   */
  private static void checkSegment(String segment) throws BadMessage {
    String plain = segment;
    if (segment.indexOf('%') >= 0) {
      plain = ESCAPED_ESCAPES.matcher(segment).replaceAll("%");
      plain = DOT.matcher(plain).replaceAll(".");
      if (OVERLONG.matcher(plain).find()) {
        throw new BadMessage(400, "the path has an overlong octet");
      }
    }
    for (String name : END.split(plain, -1)) {
      if (name.equals(".") || name.equals("..")) {
        throw new BadMessage(400, "the path hides a dot segment");
      }
    }
  }
}
