package io.sluice.mesh;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Versions of resources: the first 8 bytes of the SHA-256 of the content. */
public final class Version {
  /** In the text of a version. */
  public static final int CHARACTERS = 2 * Long.BYTES;

  private Version() {}

  /** Of {@code content}, as {@link #CHARACTERS} hexadecimal digits. */
  public static String text(ByteString content) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (ByteBuffer part : content.asReadOnlyByteBufferList()) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest(), 0, Long.BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
