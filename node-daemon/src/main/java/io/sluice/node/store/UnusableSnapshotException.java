package io.sluice.node.store;

/**
 * Bytes or a file that no snapshot can be had from; the message is half a sentence that says why.
 */
public final class UnusableSnapshotException extends Exception {
  private static final long serialVersionUID = 1L;

  private final StoreFault fault;

  UnusableSnapshotException(StoreFault fault, String message) {
    super(message);
    this.fault = fault;
  }

  /** The kind of it. */
  public StoreFault fault() {
    return fault;
  }

  /** Why, as half a sentence. */
  public String problem() {
    return String.valueOf(getMessage());
  }
}
