package io.sluice.control.objects;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as objects of Kubernetes write them: {@code 5s}, {@code 1m30s}, {@code 250ms}. */
public final class GoDuration {
  static final String MEND = "write it as in 250ms, 5s, 1m30s or 1h";

  private static final Pattern PART = Pattern.compile("([0-9]{1,9}(?:\\.[0-9]{1,9})?)(ms|h|m|s)");

  private GoDuration() {}

  /** Reads {@code text}, to the millisecond; throws IllegalArgumentException that says why not. */
  public static Duration parse(String text) {
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
}
