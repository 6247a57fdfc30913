package io.sluice.node.store;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Checksums as the format has them, computed in another place. */
final class Checksums {
  private static final int BYTES = 32;

  private Checksums() {}

  /** Puts the right one at the end of a file. */
  static void correct(byte[] file) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(file, 0, file.length - BYTES);
      System.arraycopy(digest.digest(), 0, file, file.length - BYTES, BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
