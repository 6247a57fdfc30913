package io.sluice.mesh;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The hash of FIPS 180-4 with 32 bytes, which every Java platform has. Any thread. */
public final class Sha256 {
  private Sha256() {}

  /** Of {@code content}. */
  public static byte[] of(byte[] content) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(content);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Of {@code content}, as 64 hexadecimal digits in lower case. */
  public static String hex(byte[] content) {
    return HexFormat.of().formatHex(of(content));
  }
}
