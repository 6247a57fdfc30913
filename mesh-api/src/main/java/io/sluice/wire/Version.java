package io.sluice.wire;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Versions of resources: the first 8 bytes of the SHA-256 of the content, big-endian. */
public final class Version {
  private Version() {}

  static long of(ByteString content) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (ByteBuffer part : content.asReadOnlyByteBufferList()) {
        digest.update(part);
      }
      return ByteBuffer.wrap(digest.digest()).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Of {@code content}, as 16 hexadecimal digits, for protocols in which versions are texts. */
  public static String text(ByteString content) {
    return HexFormat.of().toHexDigits(of(content));
  }
}
