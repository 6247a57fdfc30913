package io.sluice.control.admission;

import org.jspecify.annotations.Nullable;

/** Why a node was not admitted. The message never holds the token. */
public final class AdmissionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** One word per way to fail, for log, metric and answer alike. */
  public enum Reason {
    /** Not of a form that could be a token. */
    MALFORMED,
    /** Nobody issued it, or not for this. */
    UNKNOWN,
    /** Its time is over. */
    EXPIRED,
    /** It was good for one use, and has had it. */
    USED,
    /** It was issued for another audience. */
    WRONG_AUDIENCE,
    /** It belongs to another service account, or to no pod on a node. */
    WRONG_ACCOUNT,
    /** Whoever has to check it did not answer; trying again can help. */
    BACKEND_UNREACHABLE,
    /** Too many tries. */
    LIMITED
  }

  /** The word for what went wrong. */
  private final Reason reason;

  /** With what is wrong and what to do about it. */
  public AdmissionException(Reason reason, String message) {
    this(reason, message, null);
  }

  /** As the other, with the exception that told of it. */
  public AdmissionException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** The word for what went wrong. */
  public Reason reason() {
    return reason;
  }
}
