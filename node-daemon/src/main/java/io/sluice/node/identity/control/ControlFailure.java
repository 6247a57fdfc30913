package io.sluice.node.identity.control;

import io.sluice.process.Backoff;
import java.time.Duration;
import java.util.Locale;

/** A call to the controller has failed; the reason says what that means for other calls. */
public final class ControlFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final Duration SHORTEST_REPLACEMENT = Duration.ofMillis(100);

  /** One after another they are no change of a certificate: somebody else has this node's. */
  private static final int MOST_REPLACEMENTS = 3;

  /** One word for logs, metrics and status. */
  public enum Reason {
    /** No connection, or it broke. */
    UNREACHABLE(true),
    /** Another connection of this node has taken its place: with a newer certificate, as a rule. */
    REPLACED(false),
    /** This node itself has ended it. */
    ENDED(false),
    /** No answer in time. */
    TIMEOUT(true),
    /** Whoever answered is not the controller of this mesh. */
    UNTRUSTED_CONTROLLER(true),
    /** The token or certificate proves nothing to the controller. */
    UNAUTHENTICATED(true),
    /** There is no token that could admit this node. */
    NO_TOKEN(true),
    /** The controller cannot sign now. */
    AUTHORITY_UNAVAILABLE(true),
    /** Too many requests. */
    OVERLOADED(true),
    /** This node may not have this. */
    PERMISSION_DENIED(false),
    /** The request will never succeed as it is. */
    REFUSED(false),
    /** What came back cannot be used. */
    BAD_ANSWER(false),
    /** By this node's clock the certificate has ended, or not begun. */
    CLOCK(false),
    /** A fault of this daemon. */
    INTERNAL(false);

    private final boolean concernsAll;

    Reason(boolean concernsAll) {
      this.concernsAll = concernsAll;
    }

    /** Whether other calls would fail now as this one did. */
    public boolean concernsAll() {
      return concernsAll;
    }

    /** Value of the metric label {@code reason}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Why; also in serialised form, which nobody uses. */
  private final Reason reason;

  /** What failed and what to do, in one sentence. */
  public ControlFailure(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** The same with what was met. */
  public ControlFailure(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Pauses of a stream after {@link Reason#REPLACED}, before it is opened again. */
  public static Backoff replacements() {
    return new Backoff(SHORTEST_REPLACEMENT, Backoff.LONGEST);
  }

  /** Whether so many in a row tell that somebody else follows with this node's certificate. */
  public static boolean areTooMany(Backoff replacements) {
    return replacements.failures() > MOST_REPLACEMENTS;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
