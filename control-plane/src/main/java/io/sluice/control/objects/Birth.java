package io.sluice.control.objects;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Comparator;

/**
 * When an object came to be, and which of those that had its name one after the other it is. Both
 * are the API server's own words: nobody who writes the object chooses them. A folder may say them.
 *
 * @param createdSecond {@code metadata.creationTimestamp} in seconds since 1970; {@link #UNKNOWN}
 *     where it is not said, which counts as later than every time
 * @param uid {@code metadata.uid}, empty where it is not said
 */
public record Birth(long createdSecond, String uid) implements Comparable<Birth> {
  /** A time that is not said. */
  public static final long UNKNOWN = Long.MAX_VALUE;

  /** Of an object that says neither. */
  public static final Birth NOT_SAID = new Birth(UNKNOWN, "");

  /**
   * The older one first; of two of the same second the one whose UID is smaller: UIDs are random.
   */
  private static final Comparator<Birth> ORDER =
      Comparator.comparingLong(Birth::createdSecond)
          .thenComparing(birth -> birth.uid.isEmpty())
          .thenComparing(Birth::uid);

  static long second(String text) {
    try {
      return Instant.parse(text).getEpochSecond();
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException("'" + text + "' is no time", e);
    }
  }

  @Override
  public int compareTo(Birth other) {
    return ORDER.compare(this, other);
  }
}
