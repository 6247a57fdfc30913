package io.sluice.control.manifest;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people write them: a whole number and one of {@code s}, {@code m}, h, d. */
public final class WrittenDuration {
  private static final Pattern FORM = Pattern.compile("([0-9]{1,7})([smhd])");

  private WrittenDuration() {}

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
