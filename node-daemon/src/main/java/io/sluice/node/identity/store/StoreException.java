package io.sluice.node.identity.store;

/** A file of the store cannot be read, written or believed; the message names it and the mend. */
public final class StoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  StoreException(String message) {
    super(message);
  }

  StoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
