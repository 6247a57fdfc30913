package io.sluice.linux.netns;

/**
 * The calling thread could not leave a foreign network namespace. Nothing may run on it any more:
 * let this error end the thread, and never catch it to go on.
 */
public final class NamespaceLostError extends Error {
  private static final long serialVersionUID = 1L;

  NamespaceLostError(String message) {
    super(message);
  }
}
