package io.sluice.images;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an archive (tar, as GNU tar writes plain files and directories) holds, without unpacking it:
 * it may come from anybody.
 *
 * @param digest SHA-256 of the whole archive
 * @param parts files by their names, without {@code ./}
 * @param problems what no archive of images holds, one line each
 */
record ArchiveFiles(byte[] digest, Map<String, Part> parts, List<String> problems) {
  private static final int BLOCK = 512;
  private static final int NAME_BYTES = 100;
  private static final int SIZE_AT = 124;
  private static final int SIZE_BYTES = 12;
  private static final int TYPE_AT = 156;

  /** Manifests, bills and signatures are smaller; of anything larger only the digest is kept. */
  private static final int LARGEST_TEXT_BYTES = 8 << 20;

  /**
   * A file.
   *
   * @param content empty where it is larger than any text in an archive
   */
  record Part(long size, byte[] digest, byte[] content) {}

  /**
   * @throws IOException also when the file ends too soon
   */
  static ArchiveFiles read(Path archive) throws IOException {
    Map<String, Part> parts = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    try (InputStream file = Files.newInputStream(archive);
        DigestInputStream whole = new DigestInputStream(file, Digests.sha256());
        BufferedInputStream in = new BufferedInputStream(whole, 1 << 16)) {
      byte[] header = new byte[BLOCK];
      while (in.readNBytes(header, 0, BLOCK) == BLOCK && header[0] != 0) {
        String name = text(header, 0, NAME_BYTES).replaceFirst("^\\./", "");
        long size = size(header, name);
        Part part = part(in, size, archive);
        switch (header[TYPE_AT]) {
          case '0', 0 -> {
            if (parts.putIfAbsent(name, part) != null) {
              problems.add(name + ": is in the archive twice");
            }
          }
          case '5' -> {}
          default -> problems.add(name + ": neither a file nor a directory");
        }
      }
      byte[] rest = new byte[1 << 16];
      while (in.read(rest) >= 0) {} // padding counts for the signature
      return new ArchiveFiles(whole.getMessageDigest().digest(), parts, problems);
    }
  }

  private static Part part(InputStream in, long size, Path archive) throws IOException {
    MessageDigest digest = Digests.sha256();
    byte[] content = new byte[size <= LARGEST_TEXT_BYTES ? (int) size : 0];
    byte[] chunk = new byte[1 << 16];
    for (long done = 0; done < size; ) {
      int count = in.readNBytes(chunk, 0, (int) Math.min(chunk.length, size - done));
      if (count == 0) {
        throw new EOFException(archive + ": ends in the middle of a file");
      }
      digest.update(chunk, 0, count);
      if (content.length > 0) {
        System.arraycopy(chunk, 0, content, (int) done, count);
      }
      done += count;
    }
    in.skipNBytes((BLOCK - size % BLOCK) % BLOCK);
    return new Part(size, digest.digest(), content);
  }

  private static long size(byte[] header, String name) throws IOException {
    try {
      return Long.parseUnsignedLong(text(header, SIZE_AT, SIZE_BYTES).strip(), 8);
    } catch (NumberFormatException e) {
      throw new IOException("the archive: no size of " + name, e);
    }
  }

  private static String text(byte[] header, int from, int length) {
    int end = from;
    while (end < from + length && header[end] != 0) {
      end++;
    }
    return new String(Arrays.copyOfRange(header, from, end), StandardCharsets.ISO_8859_1);
  }
}
