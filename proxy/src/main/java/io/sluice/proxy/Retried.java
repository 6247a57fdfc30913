package io.sluice.proxy;

/**
 * What became of the tries of one exchange that a Retry is for.
 *
 * @param times how often; may be 0
 */
public record Retried(Event event, int times) {
  /** Envoy's words for it, after {@code upstream_rq_}. */
  public enum Event {
    /** A try was made after another one. */
    RETRY("retry"),
    /** It was waited before that, which is always so. */
    BACKOFF_EXPONENTIAL("retry_backoff_exponential"),
    /** A further try was answered as it should be. */
    SUCCESS("retry_success"),
    /** The last one that there may be has failed too. */
    LIMIT_EXCEEDED("retry_limit_exceeded"),
    /** As many requests of the pod as may be were tried again at that time. */
    OVERFLOW("retry_overflow"),
    /** A try was not waited for any longer. */
    PER_TRY_TIMEOUT("per_try_timeout");

    private final String word;

    Event(String word) {
      this.word = word;
    }

    /** In metrics. */
    public String word() {
      return word;
    }
  }
}
