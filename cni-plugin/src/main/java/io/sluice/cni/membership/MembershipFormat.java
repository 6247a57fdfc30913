package io.sluice.cni.membership;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;

/**
 * The text of the file: {@code sluice-membership 1}, one line {@code <kind> <namespace>} for each,
 * sorted, and {@code crc32 <8 hex digits>} over all bytes before. The C client reads the same.
 */
final class MembershipFormat {
  /** As the client's buffer; room for more than ten thousand namespaces. */
  static final int LARGEST_BYTES = 1 << 20;

  private static final String MAGIC = "sluice-membership ";
  private static final String VERSION = "1";
  private static final String CHECKSUM = "crc32 ";

  private MembershipFormat() {}

  /** A text that is no membership: which line, counted from 1, and why. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    Malformed(int line, String reason) {
      super("line " + line + ": " + reason);
    }
  }

  /**
   * @throws IllegalArgumentException when the text would be larger than the client reads
   */
  static byte[] encode(Membership membership) {
    var text = new StringBuilder(MAGIC).append(VERSION).append('\n');
    for (Map.Entry<String, NamespaceKind> entry : membership.kinds().entrySet()) {
      text.append(entry.getValue().word()).append(' ').append(entry.getKey()).append('\n');
    }
    byte[] body = text.toString().getBytes(StandardCharsets.US_ASCII);
    text.append(CHECKSUM).append(checksum(body, body.length)).append('\n');
    if (text.length() > LARGEST_BYTES) {
      throw new IllegalArgumentException(
          membership.kinds().size()
              + " namespaces take "
              + text.length()
              + " bytes; the CNI client reads at most "
              + LARGEST_BYTES);
    }
    return text.toString().getBytes(StandardCharsets.US_ASCII);
  }

  static Membership decode(byte[] content) throws Malformed {
    if (content.length > LARGEST_BYTES) {
      throw new Malformed(1, "the file has more than " + LARGEST_BYTES + " bytes");
    }
    // One character for each byte, so positions in the text are positions in the file.
    String text = new String(content, StandardCharsets.ISO_8859_1);
    if (text.isEmpty()) {
      throw new Malformed(1, "the file is empty");
    }
    String[] lines = text.split("\n", -1);
    int last = lines.length - 1; // after the last line feed, which has to end the file
    if (!lines[last].isEmpty()) {
      throw new Malformed(lines.length, "does not end with a line feed: the file was cut off");
    }
    requireHeader(lines[0]);
    requireChecksum(content, lines, last);
    return new Membership(kinds(lines, last));
  }

  private static void requireHeader(String line) throws Malformed {
    if (!line.startsWith(MAGIC)) {
      throw new Malformed(1, "is not '" + MAGIC + VERSION + "'");
    }
    if (!line.equals(MAGIC + VERSION)) {
      throw new Malformed(
          1, "version '" + line.substring(MAGIC.length()) + "' is not known, only " + VERSION);
    }
  }

  private static void requireChecksum(byte[] content, String[] lines, int last) throws Malformed {
    String line = lines[last - 1];
    if (!line.startsWith(CHECKSUM)) {
      throw new Malformed(last, "is no checksum: the file was cut off");
    }
    String expected = checksum(content, content.length - line.length() - 1);
    if (!line.equals(CHECKSUM + expected)) {
      throw new Malformed(
          last, "checksum " + line.substring(CHECKSUM.length()) + ", expected " + expected);
    }
  }

  private static TreeMap<String, NamespaceKind> kinds(String[] lines, int last) throws Malformed {
    var kinds = new TreeMap<String, NamespaceKind>();
    for (int i = 1; i < last - 1; i++) {
      int number = i + 1;
      int space = lines[i].indexOf(' ');
      String word = space < 0 ? lines[i] : lines[i].substring(0, space);
      String namespace = space < 0 ? "" : lines[i].substring(space + 1);
      NamespaceKind kind =
          NamespaceKind.ofWord(word)
              .orElseThrow(() -> new Malformed(number, "unknown kind '" + word + "'"));
      if (!Membership.isNamespaceName(namespace)) {
        throw new Malformed(number, "'" + namespace + "' is no name of a namespace");
      }
      if (!kinds.isEmpty() && kinds.lastKey().compareTo(namespace) >= 0) {
        throw new Malformed(number, "'" + namespace + "' is twice or out of order");
      }
      kinds.put(namespace, kind);
    }
    return kinds;
  }

  private static String checksum(byte[] content, int length) {
    var crc = new CRC32();
    crc.update(content, 0, length);
    return String.format("%08x", crc.getValue());
  }
}
