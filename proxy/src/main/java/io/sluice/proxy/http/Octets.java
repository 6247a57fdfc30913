package io.sluice.proxy.http;

import java.nio.charset.StandardCharsets;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What octets may stand where in a message of any version (RFC 9110 §5, RFC 9113 §8.2, RFC 3986).
 */
final class Octets {
  private static final boolean[] TOKEN = new boolean[256];
  private static final boolean[] VALUE = new boolean[256];
  private static final boolean[] AUTHORITY = new boolean[256];
  private static final boolean[] DIGIT = new boolean[256];
  private static final boolean[] LOWER_CASE = new boolean[256];
  private static final int MAX_LENGTH_DIGITS = 17;

  /** Names that most messages have, as they are written most often; a power of two of slots. */
  private static final @Nullable String[] KNOWN = new @Nullable String[512];

  /** Those of them whose values are the same in most messages, and no secrets; by identity. */
  private static final IdentityHashMap<String, Boolean> REPEATED = new IdentityHashMap<>();

  static {
    for (char c = '0'; c <= 'z'; c++) {
      boolean alphanumeric = Character.isLetterOrDigit(c) && c < 128;
      TOKEN[c] = alphanumeric;
      AUTHORITY[c] = alphanumeric;
    }
    for (char c : "!#$%&'*+-.^_`|~".toCharArray()) {
      TOKEN[c] = true;
    }
    for (int i = 0; i < LOWER_CASE.length; i++) {
      DIGIT[i] = i >= '0' && i <= '9';
      LOWER_CASE[i] = TOKEN[i] && (i < 'A' || i > 'Z');
    }
    // reg-name, IP-literal and port (RFC 3986 §3.2.2) without sub-delimiters, which no host has.
    for (char c : "-._~:[]%".toCharArray()) {
      AUTHORITY[c] = true;
    }
    for (int i = 0x20; i < 256; i++) {
      VALUE[i] = i != 0x7f;
    }
    VALUE['\t'] = true;
    for (String name :
        ("Host,User-Agent,Accept,Accept-Encoding,Accept-Language,Connection,Content-Type,"
                + "Content-Length,Transfer-Encoding,Date,Server,Cache-Control,Cookie,Set-Cookie,"
                + "Expect,Upgrade,Vary,ETag,Last-Modified,Location,Authorization,Origin,Referer,"
                + "Keep-Alive,TE,Trailer,X-Request-Id,X-Forwarded-For,Traceparent,"
                + "If-None-Match,If-Modified-Since,Content-Encoding,Pragma,Age,Via,"
                + "X-Content-Type-Options")
            .split(",")) {
      know(name);
      know(name.toLowerCase(Locale.ROOT));
    }
    Set<String> repeated =
        Set.of(
            ("host,user-agent,accept,accept-encoding,accept-language,connection,content-type,"
                    + "content-length,transfer-encoding,date,server,cache-control,vary,"
                    + "content-encoding,pragma,via,x-content-type-options")
                .split(","));
    for (String name : KNOWN) {
      if (name != null && repeated.contains(name.toLowerCase(Locale.ROOT))) {
        REPEATED.put(name, true);
      }
    }
  }

  private Octets() {}

  private static void know(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    KNOWN[slot(bytes, 0, bytes.length)] = name;
  }

  private static int slot(byte[] bytes, int from, int to) {
    int length = to - from;
    int hash = length * 31 + bytes[from] * 7 + bytes[to - 1] * 131 + bytes[from + length / 2] * 17;
    return hash & (KNOWN.length - 1);
  }

  /**
   * Whether a field of that name, which {@link #name} has given, says the same in most messages,
   * and no secret.
   */
  static boolean isRepeated(String name) {
    return REPEATED.containsKey(name);
  }

  /** The name there, of one character at least. */
  static String name(byte[] bytes, int from, int to) {
    String known = KNOWN[slot(bytes, from, to)];
    if (known != null && known.length() == to - from) {
      int i = 0;
      while (i < known.length() && known.charAt(i) == bytes[from + i]) {
        i++;
      }
      if (i == known.length()) {
        return known;
      }
    }
    return text(bytes, from, to);
  }

  static String text(byte[] bytes, int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
  }

  /** Whether {@code what} stands there; it has to have room. */
  static boolean isAt(byte[] bytes, int from, byte[] what) {
    for (int i = 0; i < what.length; i++) {
      if (bytes[from + i] != what[i]) {
        return false;
      }
    }
    return true;
  }

  static boolean isToken(byte octet) {
    return TOKEN[octet & 0xff];
  }

  static boolean isValue(byte octet) {
    return VALUE[octet & 0xff];
  }

  private static boolean consistsOf(boolean[] allowed, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= allowed.length || !allowed[text.charAt(i)]) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  static boolean isToken(String text) {
    return consistsOf(TOKEN, text);
  }

  /** As HTTP/2 has them. */
  static boolean isLowerCaseName(String name) {
    return consistsOf(LOWER_CASE, name);
  }

  /** Whether it is a value as it is told, without white space around it. */
  static boolean isValue(String value) {
    return value.isEmpty()
        || consistsOf(VALUE, value)
            && !isBlank(value.charAt(0))
            && !isBlank(value.charAt(value.length() - 1));
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }

  /** Whether it is a host with or without a port, and no user before it. */
  static boolean isAuthority(String text) {
    return consistsOf(AUTHORITY, text);
  }

  /** The number of a Content-Length; less than {@link Head#UNKNOWN_LENGTH} where it is none. */
  static long length(String text) {
    return text.length() <= MAX_LENGTH_DIGITS && consistsOf(DIGIT, text)
        ? Long.parseLong(text)
        : Head.UNKNOWN_LENGTH - 1;
  }
}
