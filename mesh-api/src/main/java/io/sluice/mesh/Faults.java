package io.sluice.mesh;

import io.sluice.mesh.HttpFilters.FieldChange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is made to go wrong of requests on purpose, as a FaultInjection says. Chance chooses which:
 * of those that are not aborted, delays have their share.
 *
 * @param byOrNull where that is written; null where nobody says. Of a rule that leads nowhere: what
 *     it names and is not there
 */
public record Faults(
    @Nullable Injection byOrNull, @Nullable Delay delayOrNull, @Nullable Abort abortOrNull) {
  /** Nothing goes wrong. */
  public static final Faults NONE = new Faults(null, null, null);

  private static final int WHOLE = 100;

  private static void requirePercentage(int percentage) {
    if (percentage < 0 || percentage > WHOLE) {
      throw new IllegalArgumentException("percentage " + percentage + " is outside 0..100");
    }
  }

  /** Whether nothing goes wrong. */
  public boolean isNone() {
    return delayOrNull == null && abortOrNull == null;
  }

  /**
   * The object that says it; requests that it decides over it answers.
   *
   * @param field of it by which it decides
   */
  public record Injection(NamespacedName name, String field) implements Decider {
    /** As in manifests. */
    public static final String KIND = "FaultInjection";

    /** By what it answers. */
    public Injection(NamespacedName name) {
      this(name, "spec.abort");
    }

    /** The same by what it holds back. */
    public Injection delay() {
      return new Injection(name, "spec.delay");
    }

    @Override
    public String toString() {
      return KIND + " " + name + " " + field;
    }
  }

  /**
   * The share of the requests that waits before it goes on.
   *
   * @param minMillis shortest wait
   * @param maxMillis longest wait; between the two, each is as likely
   */
  public record Delay(int percentage, long minMillis, long maxMillis) {
    /** Longest wait that can be asked for, so that what is held back has a bound in time. */
    public static final long MOST_MILLIS = 30_000;

    /** Where nothing is said of a wait. */
    public static final long DEFAULT_MILLIS = 1_000;

    public Delay {
      requirePercentage(percentage);
      if (minMillis < 0 || minMillis > maxMillis || maxMillis > MOST_MILLIS) {
        throw new IllegalArgumentException(
            minMillis + ".." + maxMillis + " ms is outside 0.." + MOST_MILLIS);
      }
    }
  }

  /**
   * The share of the requests that is answered in the service's place.
   *
   * @param headers are added to the answer
   * @param content of the answer
   */
  public record Abort(int percentage, int status, List<FieldChange> headers, String content) {
    /** Where no status is said. */
    public static final int DEFAULT_STATUS = 500;

    /** Where no content is said. */
    public static final String DEFAULT_CONTENT = "Fault injection triggered";

    /** Characters of the content. */
    public static final int MOST_CONTENT = 4_096;

    /** Headers of the answer. */
    public static final int MOST_HEADERS = 16;

    public Abort {
      headers = List.copyOf(headers);
      requirePercentage(percentage);
      if (status < 200 || status > 599) {
        throw new IllegalArgumentException("status " + status + " is outside 200..599");
      }
      if (headers.size() > MOST_HEADERS || content.length() > MOST_CONTENT) {
        throw new IllegalArgumentException("an answer is larger than one may be");
      }
    }
  }
}
