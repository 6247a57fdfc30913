package io.sluice.control.manifest;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people and objects of Kubernetes write them, in three forms. */
public final class WrittenDuration {
  /** What to write where {@link #parseGo} reads it. */
  public static final String GO_MEND = "write it as in 250ms, 5s, 1m30s or 1h";

  private static final Pattern FORM = Pattern.compile("([0-9]{1,7})([smhd])");

  /** Of the Gateway API (GEP-2257): up to four parts, which add up. */
  private static final Pattern PARTS = Pattern.compile("([0-9]{1,5}(h|ms?|s)){1,4}");

  private static final Pattern PART = Pattern.compile("([0-9]{1,9}(?:\\.[0-9]{1,9})?)(ms|h|m|s)");

  private WrittenDuration() {}

  /**
   * Reads one as the Gateway API has it, such as {@code 1m30s} or {@code 500ms}.
   *
   * @throws IllegalArgumentException with the text where it has another form
   */
  public static Duration parseParts(String text) {
    if (!PARTS.matcher(text).matches()) {
      throw new IllegalArgumentException("'" + text + "' is no duration such as 500ms, 10s, 1m30s");
    }
    return parseGo(text);
  }

  /**
   * Reads one as Go has it, to the millisecond: any number of parts, of which each may have a
   * fraction, such as {@code 1m0.5s}.
   *
   * @throws IllegalArgumentException with the text where it has another form
   */
  public static Duration parseGo(String text) {
    Matcher parts = PART.matcher(text);
    double millis = 0;
    int end = 0;
    while (parts.find() && parts.start() == end) {
      end = parts.end();
      long unit =
          switch (parts.group(2)) {
            case "ms" -> 1;
            case "s" -> 1_000;
            case "m" -> 60_000;
            default -> 3_600_000;
          };
      millis += Double.parseDouble(parts.group(1)) * unit;
    }
    if (end == 0 || end != text.length()) {
      throw new IllegalArgumentException("'" + text + "' is no duration");
    }
    return Duration.ofMillis(Math.round(millis));
  }

  /**
   * Reads one of a whole number and one unit, of {@code s}, {@code m}, {@code h} and {@code d}.
   *
   * @throws IllegalArgumentException with the text where it has another form
   */
  public static Duration parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException("'" + text + "' is no duration such as 90s, 30m, 24h, 7d");
    }
    long number = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }
}
