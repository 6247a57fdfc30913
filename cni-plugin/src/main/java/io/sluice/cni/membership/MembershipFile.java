package io.sluice.cni.membership;

import io.sluice.cni.membership.MembershipFileException.Aftermath;
import io.sluice.process.DurableFile;
import io.sluice.process.DurableFile.FileSteps;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32;

/**
 * The membership on disk. The daemon writes it, the CNI client reads it while no daemon answers,
 * also after a power cut and before the daemon has started. Not thread-safe: one writer.
 */
public final class MembershipFile {
  private static final Set<PosixFilePermission> FILE_MODE =
      PosixFilePermissions.fromString("rw-r--r--");
  private static final Set<PosixFilePermission> DIRECTORY_MODE =
      PosixFilePermissions.fromString("rwxr-xr-x");

  private final DurableFile file;

  /** Nothing is read or made before the first call. */
  public MembershipFile(Path file) {
    this(file, FileSteps.REAL);
  }

  MembershipFile(Path file, FileSteps steps) {
    this.file = new DurableFile(file, FILE_MODE, steps);
  }

  /**
   * Makes the file say this. Returns false when it says so already; then nothing is written.
   *
   * @throws MembershipFileException when it could not be written. The old file stays only if it
   *     lets nothing start that may not start any more; else it is removed, since no file means
   *     that nothing starts. {@link MembershipFileException#aftermath} tells which.
   */
  public boolean write(Membership membership) {
    try {
      byte[] content = MembershipFormat.encode(membership);
      file.clearTemporary();
      if (file.holds(content)) {
        return false;
      }
      makeDirectory();
      file.replace(content);
      return true;
    } catch (IOException | IllegalArgumentException e) {
      throw new MembershipFileException(
          file.path(), e, mayStay(membership) ? Aftermath.KEPT : withdraw(e));
    }
  }

  private void makeDirectory() throws IOException {
    Path directory = file.directory();
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, DIRECTORY_MODE);
    }
  }

  private boolean mayStay(Membership wanted) {
    try (InputStream in = Files.newInputStream(file.path())) {
      byte[] content = in.readNBytes(MembershipFormat.LARGEST_BYTES + 1);
      return wanted.noLongerStarting(MembershipFormat.decode(content)).isEmpty();
    } catch (IOException | MembershipFormat.Malformed e) {
      return false; // what it says is not known, so it may say too much
    }
  }

  private Aftermath withdraw(Exception cause) {
    try {
      file.remove();
      return Aftermath.REMOVED;
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
    if (!Files.exists(file.path())) {
      return Aftermath.REMOVED; // only the directory could not be synced
    }
    try {
      file.empty();
      return Aftermath.EMPTIED;
    } catch (IOException e) {
      cause.addSuppressed(e);
      return Aftermath.OUTDATED;
    }
  }

  /**
   * The text of the file: {@code sluice-membership 1}, one line {@code <kind> <namespace>} for
   * each, sorted, and {@code crc32 <8 hex digits>} over all bytes before. The C client reads the
   * same.
   */
  static final class MembershipFormat {
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

    /** Reads as strictly as the client does. */
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
}
