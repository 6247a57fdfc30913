package io.sluice.control.manifest;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people write them: a whole number and one of {@code s}, {@code m}, h, d. */
public final class WrittenDuration {
  private static final Pattern FORM = Pattern.compile("([0-9]{1,7})([smhd])");

  /** Of the Gateway API (GEP-2257): up to four parts, which add up. */
  private static final Pattern PARTS = Pattern.compile("([0-9]{1,5}(h|ms?|s)){1,4}");

  private static final Pattern PART = Pattern.compile("([0-9]{1,5})(h|ms?|s)");

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
    Duration sum = Duration.ZERO;
    Matcher part = PART.matcher(text);
    while (part.find()) {
      long number = Long.parseLong(part.group(1));
      sum =
          sum.plus(
              switch (part.group(2)) {
                case "ms" -> Duration.ofMillis(number);
                case "s" -> Duration.ofSeconds(number);
                case "m" -> Duration.ofMinutes(number);
                default -> Duration.ofHours(number);
              });
    }
    return sum;
  }

  /**
   * Reads one, such as {@code 24h}.
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
