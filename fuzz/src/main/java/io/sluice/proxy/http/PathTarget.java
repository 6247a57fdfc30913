package io.sluice.proxy.http;

import static io.sluice.fuzz.Promises.require;

import java.nio.charset.StandardCharsets;

/**
 * Any path is refused or has one form, which is its own form and leads nowhere but down, also for
 * who undoes escapes once more.
 */
public final class PathTarget {
  private PathTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    String path = "/" + new String(input, StandardCharsets.ISO_8859_1);
    String normal;
    try {
      normal = Paths.normalised(path);
    } catch (BadMessage e) {
      require(e.status == 400 && !String.valueOf(e.getMessage()).isBlank(), "refused otherwise");
      return;
    }
    try {
      String again = Paths.normalised(normal);
      require(again.equals(normal), "has another form again: " + normal + ", " + again);
    } catch (BadMessage e) {
      throw new AssertionError("is refused in its one form: " + normal, e);
    }
    require(normal.startsWith("/"), "is not absolute any more: " + normal);
    requireNoWayUp(normal);
    require(!normal.contains("//"), "has an empty segment: " + normal);
    String twice = normal; // as some applications read it
    for (int i = 0; i < 3; i++) {
      twice = unescaped(twice);
      requireNoWayUp(twice.replace('\\', '/'));
    }
  }

  private static void requireNoWayUp(String path) {
    for (String segment : path.split("/", -1)) {
      int end = segment.indexOf(';');
      String name = end < 0 ? segment : segment.substring(0, end);
      require(!name.equals(".") && !name.equals(".."), "has a dot segment: " + path);
    }
  }

  private static String unescaped(String path) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < path.length(); i++) {
      int octet =
          path.charAt(i) == '%' && i + 2 < path.length()
              ? hex(path, i + 1) * 16 + hex(path, i + 2)
              : -1;
      if (octet >= 0) {
        text.append((char) octet);
        i += 2;
      } else {
        text.append(path.charAt(i));
      }
    }
    return text.toString();
  }

  /** Less than all octets where it is no digit. */
  private static int hex(String text, int at) {
    int digit = Character.digit(text.charAt(at), 16);
    return digit < 0 ? -1_000 : digit;
  }
}
