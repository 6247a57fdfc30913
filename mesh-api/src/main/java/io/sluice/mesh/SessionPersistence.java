package io.sluice.mesh;

import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import java.util.HexFormat;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How requests of one session go to one pod, as rules of the Gateway API have it. Who was answered
 * brings back a token, which is a hash of the pod's name: it finds that pod among those that the
 * rule leads to, or none. Nothing is kept of sessions, and every node reads the same of a token.
 *
 * @param carrier where the token is
 * @param name of the cookie, or of the header in lower case; a token of RFC 9110, 1 to 256
 *     characters
 * @param path for which a client is to send the cookie; of a header the same, without meaning
 * @param seconds for how long a session lasts at most; 0 is without end
 * @param permanent whether a client keeps the cookie for that long, even if it ends meanwhile
 * @param scope which rule it is, so that another one's tokens mean nothing to it
 */
public record SessionPersistence(
    Carrier carrier, String name, String path, long seconds, boolean permanent, long scope) {
  public static final int NAME_CHARACTERS = 256;
  public static final int PATH_CHARACTERS = 1_024;

  /** No token and no pod has it. */
  public static final long NONE = 0;

  private static final int DIGITS = 16; // of the hash
  private static final String TOKEN = "!#$%&'*+-.^_`|~";
  private static final HexFormat HEX = HexFormat.of();

  /** Where a token is. */
  public enum Carrier {
    COOKIE,
    HEADER
  }

  public SessionPersistence {
    name = requireName(carrier, name);
    requirePath(path);
    if (seconds < 0 || seconds > TrafficRoute.TimeLimits.MOST_MILLIS / 1_000) {
      throw new IllegalArgumentException(seconds + " s is no time for a session to last");
    }
    if (permanent && seconds == 0) {
      throw new IllegalArgumentException("a permanent cookie needs a time for which it is kept");
    }
  }

  /** The name of a cookie as it is, of a header in lower case; refuses what cannot be one. */
  public static String requireName(Carrier carrier, String name) {
    if (name.isEmpty() || name.length() > NAME_CHARACTERS || !name.chars().allMatch(c -> isOf(c))) {
      throw new IllegalArgumentException(
          "'" + Printable.text(name, 80) + "' cannot be the name of a cookie or header");
    }
    return carrier == Carrier.HEADER
        ? new FieldChange(Action.SET, name, "").name() // which refuses those of framing
        : name;
  }

  /** Refuses what a client cannot be told as a cookie's path. */
  public static String requirePath(String path) {
    if (!path.startsWith("/")
        || path.length() > PATH_CHARACTERS
        || !path.chars().allMatch(c -> c > ' ' && c < 0x7f && c != ';')) {
      throw new IllegalArgumentException(
          "'" + Printable.text(path, 80) + "' cannot be the path of a cookie");
    }
    return path;
  }

  private static boolean isOf(int c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || TOKEN.indexOf(c) >= 0;
  }

  /** What stands for a pod in tokens of this rule; never {@link #NONE}. */
  public long of(NamespacedName pod) {
    long hash = Hashes.mixed(Hashes.of(Hashes.of(scope, pod.namespace() + "/"), pod.name()));
    return hash == NONE ? 1 : hash;
  }

  /**
   * Which pod a request's session is with; {@link #NONE} where it has none, or that is over.
   *
   * @param headers values of the request's headers by name, as one list each; null of others
   * @param second now, since 1970
   */
  public long soughtBy(Function<String, @Nullable String> headers, long second) {
    String token =
        switch (carrier) {
          case COOKIE -> cookie(headers.apply("cookie"));
          case HEADER -> headers.apply(name);
        };
    if (token == null || token.length() < DIGITS) {
      return NONE;
    }
    try {
      long pod = HexFormat.fromHexDigitsToLong(token, 0, DIGITS);
      boolean ends = token.length() > DIGITS;
      if (ends != seconds > 0) {
        return NONE; // of a rule that was written otherwise
      }
      return ends && HexFormat.fromHexDigitsToLong(token, DIGITS, token.length()) <= second
          ? NONE
          : pod;
    } catch (IllegalArgumentException e) {
      return NONE; // which no node has told
    }
  }

  /** The first one of its name; lines may have been joined by either sign. */
  private @Nullable String cookie(@Nullable String cookies) {
    int at = cookies == null ? -1 : cookies.indexOf(name);
    while (cookies != null && at >= 0) {
      int end = at + name.length();
      boolean whole = at == 0 || " ;,".indexOf(cookies.charAt(at - 1)) >= 0;
      if (whole && end < cookies.length() && cookies.charAt(end) == '=') {
        int last = end + 1;
        while (last < cookies.length() && Character.digit(cookies.charAt(last), 16) >= 0) {
          last++;
        }
        return cookies.substring(end + 1, last);
      }
      at = cookies.indexOf(name, end);
    }
    return null;
  }

  /**
   * What tells a client of its session with a pod.
   *
   * @param pod as {@link #of} has it
   * @param second now, since 1970
   */
  public FieldChange told(long pod, long second) {
    String token = HEX.toHexDigits(pod) + (seconds == 0 ? "" : HEX.toHexDigits(second + seconds));
    return switch (carrier) {
      case HEADER -> new FieldChange(Action.SET, name, token);
      case COOKIE ->
          new FieldChange(
              Action.ADD,
              "set-cookie",
              name
                  + "="
                  + token
                  + "; Path="
                  + path
                  + (permanent ? "; Max-Age=" + seconds : "")
                  + "; HttpOnly; SameSite=Strict");
    };
  }
}
