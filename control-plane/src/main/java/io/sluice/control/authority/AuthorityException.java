package io.sluice.control.authority;

import org.jspecify.annotations.Nullable;

/** Why an authority did not do what was asked, on what, and what an operator can do about it. */
public final class AuthorityException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** One word per way to fail, for log, metric and answer alike. */
  public enum Reason {
    /**
     * The PKCS#10 bytes are too long, not that format, or ask for other names than were admitted.
     */
    REQUEST_MALFORMED(false),
    /** The request is not signed by the key that it carries. */
    KEY_NOT_PROVEN(false),
    /** A kind or size of key, or a signature algorithm, that the mesh does not take. */
    KEY_REFUSED(false),
    /** Shorter or longer than allowed. */
    LIFETIME_REFUSED(false),
    /** An identity of a trust domain that this authority does not sign for. */
    TRUST_DOMAIN_FOREIGN(false),
    /** The clock is before the time at which the issuer became valid. */
    CLOCK_BEHIND(true),
    /** The issuer's own certificate has expired, or nearly. */
    ISSUER_EXPIRED(false),
    /** Keys or state on disk are not as they were written, or open to others. */
    STORE_DAMAGED(false),
    /** The disk did not take what has to be kept. */
    STORE_UNWRITABLE(true),
    /** Two changes of the root at once. */
    ROTATION_REFUSED(false),
    /** The authority's server or token did not answer, or not in its language. */
    BACKEND_UNREACHABLE(true),
    /** The authority's server is there and does not serve: sealed, standby, too busy. */
    BACKEND_UNAVAILABLE(true),
    /** The authority's server or token does not take our token, login or PIN. */
    BACKEND_CREDENTIAL_REFUSED(false),
    /** The authority's server takes us, and refuses the request. */
    BACKEND_REFUSED(false),
    /** The authority's server signed something that the mesh must not use. */
    BACKEND_ANSWER_REFUSED(false);

    private final boolean retryable;

    Reason(boolean retryable) {
      this.retryable = retryable;
    }

    /** True where the same call may succeed later with nobody changing a setting. */
    public boolean isRetryable() {
      return retryable;
    }
  }

  /** The word for what went wrong. */
  private final Reason reason;

  private final String problem;

  /**
   * @param subject the file, request or server at hand
   * @param problem what is wrong with it
   * @param mend what to do
   */
  public AuthorityException(Reason reason, String subject, String problem, String mend) {
    this(reason, subject, problem, mend, null);
  }

  /** As the other, with the exception that told of it. */
  public AuthorityException(
      Reason reason, String subject, String problem, String mend, @Nullable Throwable cause) {
    super(subject + ": " + problem + "; " + mend, cause);
    this.reason = reason;
    this.problem = problem;
  }

  /** The word for what went wrong. */
  public Reason reason() {
    return reason;
  }

  /** What is wrong, without the subject and what to do: for who says another mend. */
  public String problem() {
    return problem;
  }
}
