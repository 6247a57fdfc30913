package io.sluice.interception;

/** A pod or node that cannot be intercepted; the message says why and what to do. */
public final class InterceptionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** With what is wrong and what the operator can do about it. */
  public InterceptionException(String problem, String hint) {
    super(problem + "; " + hint);
  }

  /** The same, with what caused it. */
  public InterceptionException(String problem, String hint, Throwable cause) {
    super(problem + "; " + hint, cause);
  }
}
