package io.sluice.proxy.http;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Parameters of a query, as forms write them (URL Standard, application/x-www-form-urlencoded). */
final class Query {
  private Query() {}

  /**
   * The first value of that name, decoded; null where there is none.
   *
   * @param query with its question mark, or empty
   */
  static @Nullable String first(String query, String name) {
    int at = 1;
    while (at < query.length()) {
      int next = query.indexOf('&', at);
      int end = next < 0 ? query.length() : next;
      int equals = query.indexOf('=', at);
      int nameEnd = equals < 0 || equals > end ? end : equals;
      if (end > at && decoded(query, at, nameEnd).equals(name)) {
        return decoded(query, Math.min(nameEnd + 1, end), end);
      }
      at = end + 1;
    }
    return null;
  }

  private static String decoded(String query, int from, int to) {
    byte[] octets = new byte[to - from];
    int length = 0;
    for (int i = from; i < to; i++) {
      char c = query.charAt(i);
      if (c == '%'
          && i + 3 <= to
          && HexFormat.isHexDigit(query.charAt(i + 1))
          && HexFormat.isHexDigit(query.charAt(i + 2))) {
        octets[length++] = (byte) HexFormat.fromHexDigits(query, i + 1, i + 3);
        i += 2;
      } else {
        octets[length++] = (byte) (c == '+' ? ' ' : c);
      }
    }
    return new String(octets, 0, length, StandardCharsets.UTF_8);
  }
}
