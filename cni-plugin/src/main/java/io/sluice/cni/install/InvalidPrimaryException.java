package io.sluice.cni.install;

/** A primary network configuration that ours cannot be made from. Names the file. */
final class InvalidPrimaryException extends Exception {
  private static final long serialVersionUID = 1L;

  InvalidPrimaryException(String file, String reason) {
    super(file + " " + reason);
  }
}
