package io.sluice.control.admission;

import org.jspecify.annotations.Nullable;

/** Why a node was not admitted, and what to do about it. */
public final class AdmissionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** One word per way to fail, for log, metric and answer alike. */
  public enum Reason {
    /** The text has not the form of a token. */
    MALFORMED,
    /** No such token was made, or it was revoked, or its secret is wrong. */
    UNKNOWN,
    /** It was good until some time ago. */
    EXPIRED,
    /** It was good once, and another call has had it. */
    USED,
    /** It was made for somebody else than the mesh. */
    WRONG_AUDIENCE,
    /** It proves something that is not this node. */
    WRONG_ACCOUNT,
    /** Who could tell does not answer; the same token may be good later. */
    BACKEND_UNREACHABLE,
    /** Too many tries; later. */
    LIMITED
  }

  /** The word for what went wrong. */
  private final Reason reason;

  /**
   * @param problem what is wrong, without anything secret
   * @param mend what to do
   */
  public AdmissionException(Reason reason, String problem, String mend) {
    this(reason, problem, mend, null);
  }

  /** As the other, with the exception that told of it. */
  public AdmissionException(Reason reason, String problem, String mend, @Nullable Throwable cause) {
    super(problem + "; " + mend, cause);
    this.reason = reason;
  }

  /** The word for what went wrong. */
  public Reason reason() {
    return reason;
  }
}
