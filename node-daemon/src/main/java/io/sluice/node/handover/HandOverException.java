package io.sluice.node.handover;

/** One daemon cannot take the place of another; the message says why and what to do. */
public final class HandOverException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** With what keeps it from happening, as the end of a sentence. */
  public HandOverException(String message) {
    super(message);
  }
}
