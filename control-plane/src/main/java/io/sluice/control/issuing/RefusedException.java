package io.sluice.control.issuing;

import io.sluice.control.admission.AdmissionException;
import io.sluice.control.authority.AuthorityException;
import org.jspecify.annotations.Nullable;

/** A call that is refused; the message says what is wrong and what to do. */
public final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The word for why. */
  private final RefusalReason reason;

  /**
   * @param problem what is wrong, without anything secret
   * @param mend what to do
   */
  public RefusedException(RefusalReason reason, String problem, String mend) {
    this(reason, problem + "; " + mend, (Throwable) null);
  }

  private RefusedException(RefusalReason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** The older of two streams of one node. */
  public static RefusedException superseded(String nodeName) {
    return new RefusedException(
        RefusalReason.SUPERSEDED,
        "node " + nodeName + " follows by a newer call",
        "follow by one call at a time");
  }

  /**
   * A token that was not taken. Why it could not be looked at is for the controller's log, where
   * files and servers may be named: whoever asks has proven nothing.
   */
  public static RefusedException of(AdmissionException e) {
    RefusalReason reason =
        switch (e.reason()) {
          case MALFORMED -> RefusalReason.TOKEN_MALFORMED;
          case UNKNOWN -> RefusalReason.TOKEN_UNKNOWN;
          case EXPIRED -> RefusalReason.TOKEN_EXPIRED;
          case USED -> RefusalReason.TOKEN_USED;
          case WRONG_AUDIENCE -> RefusalReason.TOKEN_WRONG_AUDIENCE;
          case WRONG_ACCOUNT -> RefusalReason.TOKEN_WRONG_ACCOUNT;
          case BACKEND_UNREACHABLE -> RefusalReason.TOKEN_BACKEND_UNREACHABLE;
          case LIMITED -> RefusalReason.TOKEN_LIMITED;
        };
    String told =
        reason == RefusalReason.TOKEN_BACKEND_UNREACHABLE
            ? "the token cannot be looked at now; the controller's log says why"
            : String.valueOf(e.getMessage());
    return new RefusedException(reason, told, e);
  }

  /**
   * What an authority did not do. Only what the node can mend itself is told in full: the rest is
   * for the controller's log, where files and servers may be named.
   */
  public static RefusedException of(AuthorityException e) {
    return switch (e.reason()) {
      case REQUEST_MALFORMED -> told(RefusalReason.REQUEST_MALFORMED, e);
      case KEY_NOT_PROVEN -> told(RefusalReason.KEY_NOT_PROVEN, e);
      case KEY_REFUSED -> told(RefusalReason.KEY_REFUSED, e);
      case LIFETIME_REFUSED,
          TRUST_DOMAIN_FOREIGN,
          CLOCK_BEHIND,
          ISSUER_EXPIRED,
          STORE_DAMAGED,
          STORE_UNWRITABLE,
          ROTATION_REFUSED,
          BACKEND_UNREACHABLE,
          BACKEND_UNAVAILABLE,
          BACKEND_CREDENTIAL_REFUSED,
          BACKEND_REFUSED,
          BACKEND_ANSWER_REFUSED ->
          new RefusedException(
              RefusalReason.AUTHORITY_UNAVAILABLE,
              "the authority cannot sign now; 'sluice control status' on the controller says why",
              e);
    };
  }

  private static RefusedException told(RefusalReason reason, AuthorityException e) {
    return new RefusedException(reason, String.valueOf(e.getMessage()), e);
  }

  /** The word for why. */
  public RefusalReason reason() {
    return reason;
  }
}
