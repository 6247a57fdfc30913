package io.sluice.mesh;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which calls that have failed are made again, as a Retry says.
 *
 * @param name namespace and name of the Retry
 * @param source service account of the pods whose calls it is of
 * @param destinations services that they call
 * @param on how a call has to have failed
 * @param statuses of answers that are failures too
 * @param most tries after the first one
 * @param tryMillis for which a try is waited for; 0 for as long as the request is
 * @param backoffMillis before the first further try at most; doubled with each, up to ten times it
 */
public record RetryPolicy(
    NamespacedName name,
    NamespacedName source,
    Set<NamespacedName> destinations,
    Set<Condition> on,
    Set<Integer> statuses,
    int most,
    long tryMillis,
    long backoffMillis)
    implements MeshObject {
  /** Most further tries. */
  public static final int MOST_TRIES = 100;

  /** Where a Retry does not say, as of OSM: further tries. */
  public static final int DEFAULT_TRIES = 1;

  /** Where a Retry does not say, as of OSM. */
  public static final long DEFAULT_BACKOFF_MILLIS = 25;

  public RetryPolicy {
    destinations = Set.copyOf(destinations);
    on = Set.copyOf(on);
    statuses = Set.copyOf(statuses);
    if (most < 0 || most > MOST_TRIES) {
      throw new IllegalArgumentException(most + " is outside 0.." + MOST_TRIES);
    }
    long longest = TrafficRoute.TimeLimits.MOST_MILLIS;
    if (Math.min(tryMillis, backoffMillis) < 0 || Math.max(tryMillis, backoffMillis) > longest) {
      throw new IllegalArgumentException("a time is negative or too long");
    }
  }

  /**
   * Ways to fail, by Envoy's words of {@code x-envoy-retry-on} and {@code x-envoy-retry-grpc-on}.
   */
  public enum Condition {
    /** Any status of 500 and above, or no answer at all. */
    SERVER_ERROR("5xx"),
    /** 502, 503, 504, or no answer at all. */
    GATEWAY_ERROR("gateway-error"),
    /** No answer at all. */
    RESET("reset"),
    /** No endpoint could be reached. */
    CONNECT_FAILURE("connect-failure"),
    /** The application has certainly not begun to work on it. */
    REFUSED_STREAM("refused-stream"),
    /** 409. */
    RETRIABLE_4XX("retriable-4xx"),
    /** One of {@link RetryPolicy#statuses}. */
    RETRIABLE_STATUS_CODES("retriable-status-codes"),
    /** Status 1 of gRPC, where it is the whole answer; so the following ones. */
    CANCELLED("cancelled"),
    /** 4. */
    DEADLINE_EXCEEDED("deadline-exceeded"),
    /** 13. */
    INTERNAL("internal"),
    /** 8. */
    RESOURCE_EXHAUSTED("resource-exhausted"),
    /** 14. */
    UNAVAILABLE("unavailable");

    private final String word;

    Condition(String word) {
      this.word = word;
    }

    /** As a Retry writes it. */
    public String word() {
      return word;
    }

    /** The one of that word. */
    public static Optional<Condition> of(String word) {
      return Arrays.stream(values()).filter(one -> one.word.equals(word)).findFirst();
    }

    /** All words, in their order. */
    public static List<String> words() {
      return Arrays.stream(values()).map(Condition::word).toList();
    }
  }

  /** Whether an answer is a failure that is tried again. */
  public boolean isFailure(int status, String grpcStatus) {
    return (status >= 500 && on.contains(Condition.SERVER_ERROR))
        || (status >= 502 && status <= 504 && on.contains(Condition.GATEWAY_ERROR))
        || (status == 409 && on.contains(Condition.RETRIABLE_4XX))
        || (statuses.contains(status) && on.contains(Condition.RETRIABLE_STATUS_CODES))
        || (!grpcStatus.isEmpty() && isFailure(grpcStatus));
  }

  private boolean isFailure(String grpcStatus) {
    return switch (grpcStatus) {
      case "1" -> on.contains(Condition.CANCELLED);
      case "4" -> on.contains(Condition.DEADLINE_EXCEEDED);
      case "8" -> on.contains(Condition.RESOURCE_EXHAUSTED);
      case "13" -> on.contains(Condition.INTERNAL);
      case "14" -> on.contains(Condition.UNAVAILABLE);
      default -> false;
    };
  }

  /**
   * Whether it is tried again where there was no answer.
   *
   * @param silence what there was instead
   */
  public boolean isFailure(Silence silence) {
    return on.contains(Condition.SERVER_ERROR)
        || on.contains(Condition.GATEWAY_ERROR)
        || on.contains(Condition.RESET)
        || switch (silence) {
          case UNREACHED -> on.contains(Condition.CONNECT_FAILURE);
          case REFUSED -> on.contains(Condition.REFUSED_STREAM);
          case LOST -> false;
        };
  }

  /** Why there was no answer. */
  public enum Silence {
    /** No endpoint could be reached. */
    UNREACHED,
    /** The application has certainly not begun to work on it. */
    REFUSED,
    /** It went, or was not waited for any longer. */
    LOST
  }

  @Override
  public Kind<RetryPolicy> kind() {
    return Kind.RETRY;
  }
}
