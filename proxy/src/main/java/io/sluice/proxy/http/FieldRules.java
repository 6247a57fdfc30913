package io.sluice.proxy.http;

/** Which characters and fields a message of HTTP/2 may have: RFC 9113 §8.2, RFC 9110 §5. */
final class FieldRules {
  private static final int ASCII = 128;
  private static final boolean[] TOKEN = of("!#$%&'*+-.^_`|~");
  private static final boolean[] AUTHORITY = of("-._~%!$&'()*+,;=:[]"); // without userinfo
  private static final int LONGEST_NUMBER = 18;

  private FieldRules() {}

  private static boolean[] of(String marks) {
    boolean[] allowed = new boolean[ASCII];
    for (int c = 0; c < ASCII; c++) {
      allowed[c] = isLetterOrDigit(c) || marks.indexOf(c) >= 0;
    }
    return allowed;
  }

  private static boolean isLetterOrDigit(int c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
  }

  private static boolean consistsOf(boolean[] allowed, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= ASCII || !allowed[c]) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  static boolean isToken(String text) {
    return consistsOf(TOKEN, text);
  }

  static boolean isLowerCaseName(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c >= ASCII || !TOKEN[c] || c >= 'A' && c <= 'Z') {
        return false;
      }
    }
    return !name.isEmpty();
  }

  /** No control characters but tabs inside, and no white space at its ends. */
  static boolean isValue(String value) {
    int length = value.length();
    for (int i = 0; i < length; i++) {
      char c = value.charAt(i);
      if (c < ' ' && c != '\t' || c == 0x7f) {
        return false;
      }
    }
    return length == 0 || !isBlank(value.charAt(0)) && !isBlank(value.charAt(length - 1));
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }

  static boolean isOfConnection(String name, String value) {
    return switch (name) {
      case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade" -> true;
      case "te" -> !value.equals("trailers");
      default -> false;
    };
  }

  static boolean isAuthority(String text) {
    return consistsOf(AUTHORITY, text);
  }

  /** A path with a slash and perhaps a query, without a fragment; or {@code *} of OPTIONS. */
  static boolean isTarget(String target, String method) {
    if (target.equals("*")) {
      return method.equals("OPTIONS");
    }
    for (int i = 0; i < target.length(); i++) {
      char c = target.charAt(i);
      if (c <= ' ' || c >= 0x7f || c == '#') {
        return false;
      }
    }
    return target.startsWith("/");
  }

  /** The number; less than {@link Head#UNKNOWN_LENGTH} where it is none. */
  static long contentLength(String text) {
    if (text.isEmpty() || text.length() > LONGEST_NUMBER) {
      return Head.UNKNOWN_LENGTH - 1;
    }
    long number = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return Head.UNKNOWN_LENGTH - 1;
      }
      number = 10 * number + digit;
    }
    return number;
  }

  /** Three digits; 0 where they are something else. */
  static int status(String text) {
    return text.length() == 3 ? (int) Math.max(0, contentLength(text)) : 0;
  }
}
