package io.sluice.control.kubernetes;

import io.sluice.process.Backoff;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Why the API server did not do what was asked. */
public final class KubernetesApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** One word per way to fail. */
  public enum Failure {
    /** No answer in time, or none in its language. */
    UNREACHABLE(true),
    /** It answers 429 or 5xx. */
    BUSY(true),
    /** It does not know us: 401, or our own credential cannot be read. */
    UNAUTHENTICATED(false),
    /** It knows us and does not let us: 403. */
    FORBIDDEN(false),
    /** There is no such object, or no such kind. */
    NOT_FOUND(false),
    /** Somebody else was first: 409, or what was asked about has gone: 410. */
    CONFLICT(true),
    /** Any other refusal, such as by an admission webhook. */
    REJECTED(false);

    private final boolean retryable;

    Failure(boolean retryable) {
      this.retryable = retryable;
    }

    /** True where the same request may succeed later. */
    public boolean isRetryable() {
      return retryable;
    }
  }

  /** The word for what went wrong. */
  private final Failure failure;

  /** What is wrong, without the request. */
  private final String problem;

  /** Status of the answer, 0 where there was none. */
  private final int status;

  /** Milliseconds for which the server asks to be left alone. */
  private final long retryAfterMillis;

  KubernetesApiException(
      Failure failure, String request, String problem, @Nullable Throwable cause) {
    super("Kubernetes API " + request + ": " + problem, cause);
    this.failure = failure;
    this.problem = problem;
    this.status = 0;
    this.retryAfterMillis = 0;
  }

  /** The server's own refusal, which asks for {@code retryAfter} without another request. */
  KubernetesApiException(
      Failure failure, String request, String problem, int status, Duration retryAfter) {
    super("Kubernetes API " + request + ": " + problem);
    this.failure = failure;
    this.problem = problem;
    this.status = status;
    this.retryAfterMillis = retryAfter.toMillis();
  }

  /** Of the answer; 0 where there was none. */
  public int status() {
    return status;
  }

  /** What is wrong, without the request. */
  public String problem() {
    return problem;
  }

  /** For how long the server asks to be left alone; zero where it does not. */
  public Duration retryAfter() {
    return Duration.ofMillis(retryAfterMillis);
  }

  /** The word for what went wrong. */
  public Failure failure() {
    return failure;
  }

  /** The pause of {@code backoff} after this failure; no shorter than the server asked for. */
  public Duration pauseOf(Backoff backoff) {
    Duration pause = backoff.failed();
    return pause.compareTo(retryAfter()) < 0 ? retryAfter() : pause;
  }

  /**
   * The header by which a server asks to be left alone for a while (RFC 9110 §10.2.3). The API
   * server writes seconds; a date, which needs a common clock, counts as none.
   */
  static final class RetryAfter {
    /** A server that is up again must not wait longer for us. */
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private RetryAfter() {}

    static Duration of(@Nullable String header) {
      if (header == null || !header.strip().matches("[0-9]{1,9}")) {
        return Duration.ZERO;
      }
      Duration asked = Duration.ofSeconds(Long.parseLong(header.strip()));
      return asked.compareTo(LONGEST) < 0 ? asked : LONGEST;
    }
  }
}
