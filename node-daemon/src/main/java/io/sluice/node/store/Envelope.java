package io.sluice.node.store;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.sluice.mesh.WireLimits;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;

/**
 * What surrounds the resources in a file. Numbers are big-endian:
 *
 * <pre>
 *  0   8  "SLUICESS"
 *  8   4  format, 2
 * 12   4  flags: 1 for complete
 * 16   8  sequence
 * 24   8  savedAt, milliseconds of Unix time
 * 32   8  revision
 * 40   4  n, length of the payload
 * 44   n  payload
 * 44+n m  which mesh it is of, UTF-8, up to the last field
 * ..   32 SHA-256 of everything before it
 * </pre>
 *
 * The first two fields and the place of the last are those of every format to come.
 *
 * @param sequence grows by one with every file written, 1 or more; tells the newer of two whatever
 *     the clock says
 * @param savedAt when it was written
 * @param complete whether the registry behind the snapshot was read completely
 * @param revision of the snapshot, 1 or more
 * @param payload the resources
 * @param mesh which mesh they are of
 */
record Envelope(
    long sequence,
    Instant savedAt,
    boolean complete,
    long revision,
    ByteString payload,
    MeshMark mesh) {
  /**
   * Longest file: what a node may hold at most with its names, and no more than this process can
   * have in memory beside all else.
   */
  static final int LONGEST_BYTES =
      (int)
          Math.min(
              WireLimits.TOTAL_CONTENT_BYTES + (WireLimits.TOTAL_CONTENT_BYTES >> 3),
              Runtime.getRuntime().maxMemory() / 4);

  private static final byte[] MAGIC = "SLUICESS".getBytes(StandardCharsets.US_ASCII);
  private static final int FORMAT = 2;
  private static final int COMPLETE = 1;

  /** More files than anybody writes; what claims more is damaged. */
  static final long LARGEST_SEQUENCE = 1L << 62;

  /** As much as {@link #claimedSequence} needs. */
  static final int HEADER_BYTES = 44;

  private static final int SEQUENCE_AT = 16;
  private static final int DIGEST_BYTES = 32;

  /** Its bytes. */
  byte[] bytes() {
    byte[] mark = mesh.text().getBytes(StandardCharsets.UTF_8);
    ByteBuffer out =
        ByteBuffer.allocate(HEADER_BYTES + payload.size() + mark.length + DIGEST_BYTES);
    out.put(MAGIC).putInt(FORMAT).putInt(complete ? COMPLETE : 0);
    out.putLong(sequence).putLong(savedAt.toEpochMilli()).putLong(revision);
    out.putInt(payload.size());
    payload.copyTo(out);
    out.put(mark);
    out.put(digest(out.array(), out.position()));
    return out.array();
  }

  /** That a file of so many bytes is read at all; one that would not be is not written either. */
  static void requireReadable(long bytes) throws UnusableSnapshotException {
    if (bytes > LONGEST_BYTES) {
      throw new UnusableSnapshotException(
          StoreFault.TOO_LARGE, "it has more than " + LONGEST_BYTES + " bytes");
    }
  }

  /**
   * Reads them back; keeps a reference to {@code bytes}, which must not change. Depends on nothing
   * else.
   */
  static Envelope parse(byte[] bytes) throws UnusableSnapshotException {
    int end = bytes.length - DIGEST_BYTES;
    requireReadable(bytes.length);
    if (end < MAGIC.length + Integer.BYTES
        || !Arrays.equals(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw damaged("it does not begin like a snapshot");
    }
    if (!MessageDigest.isEqual(digest(bytes, end), Arrays.copyOfRange(bytes, end, bytes.length))) {
      throw damaged("its checksum is wrong: it was cut off or changed");
    }
    ByteBuffer in = ByteBuffer.wrap(bytes, MAGIC.length, end - MAGIC.length);
    int format = in.getInt();
    if (format != FORMAT) {
      throw new UnusableSnapshotException(
          StoreFault.NEWER_FORMAT,
          "it has format "
              + Integer.toUnsignedString(format)
              + " and this software knows "
              + FORMAT);
    }
    if (end < HEADER_BYTES) {
      throw damaged("its header is too short");
    }
    int flags = in.getInt();
    long sequence = in.getLong();
    Instant savedAt = Instant.ofEpochMilli(in.getLong());
    long revision = in.getLong();
    int length = in.getInt();
    int markLength = in.remaining() - length;
    if ((flags & ~COMPLETE) != 0
        || sequence < 1
        || sequence >= LARGEST_SEQUENCE
        || revision < 1
        || length < 0
        || markLength < 0
        || markLength > MeshMark.LONGEST_TEXT) {
      throw damaged("its header has a value that no snapshot has");
    }
    return new Envelope(
        sequence,
        savedAt,
        flags == COMPLETE,
        revision,
        UnsafeByteOperations.unsafeWrap(bytes, HEADER_BYTES, length),
        MeshMark.parse(
            new String(bytes, HEADER_BYTES + length, markLength, StandardCharsets.UTF_8)));
  }

  /**
   * The sequence that {@code bytes} claim, before anything is known of them: good for the order in
   * which to look, no more. 0 when they are too short.
   */
  static long claimedSequence(byte[] bytes) {
    return bytes.length < HEADER_BYTES ? 0 : ByteBuffer.wrap(bytes).getLong(SEQUENCE_AT);
  }

  private static UnusableSnapshotException damaged(String problem) {
    return new UnusableSnapshotException(StoreFault.DAMAGED, problem);
  }

  private static byte[] digest(byte[] bytes, int length) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      sha256.update(bytes, 0, length);
      return sha256.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
