package io.sluice.cli.check;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Texts in a compressed archive: of ZIP, or in the format {@code pax} (POSIX.1-2017). */
final class ReportArchive implements AutoCloseable {
  static final String TAR = ".tar.gz";
  static final String ZIP = ".zip";

  private static final int BLOCK = 512;
  private static final int NAME_LENGTH = 100;
  private static final int SUM_AT = 148;
  private static final int SUM_LENGTH = 8;

  private final OutputStream out;
  private final Instant now;

  /** Written to {@code file}: as ZIP where its name ends with {@link #ZIP}, else as tar. */
  ReportArchive(Path file, Instant now) throws IOException {
    OutputStream plain = Files.newOutputStream(file);
    this.out =
        file.toString().endsWith(ZIP) ? new ZipOutputStream(plain) : new GZIPOutputStream(plain);
    this.now = now;
  }

  /**
   * @param path in ASCII; what is not becomes a question mark
   */
  void add(String path, String text) throws IOException {
    String name = path.replaceAll("[^ -~]", "?");
    byte[] content = text.getBytes(StandardCharsets.UTF_8);
    if (out instanceof ZipOutputStream zip) {
      zip.putNextEntry(new ZipEntry(name));
      zip.write(content);
      return;
    }
    if (name.length() > NAME_LENGTH) {
      addTar(name, "x", pathRecord(name).getBytes(StandardCharsets.US_ASCII));
    }
    addTar(name, "0", content);
  }

  /** Which names what follows; its length is told with the digits that tell it. */
  private static String pathRecord(String name) {
    String record = " path=" + name + "\n";
    int length = record.length() + 2;
    while (String.valueOf(length).length() + record.length() != length) {
      length++;
    }
    return length + record;
  }

  private void addTar(String name, String type, byte[] content) throws IOException {
    byte[] header = new byte[BLOCK];
    put(header, 0, name.substring(0, Math.min(name.length(), NAME_LENGTH)));
    put(header, 100, "0000600");
    put(header, 108, "0000000");
    put(header, 116, "0000000");
    put(header, 124, octal(content.length));
    put(header, 136, octal(now.getEpochSecond()));
    put(header, SUM_AT, " ".repeat(SUM_LENGTH));
    put(header, 156, type);
    put(header, 257, "ustar");
    put(header, 263, "00");
    int sum = 0;
    for (byte one : header) {
      sum += one & 0xff;
    }
    put(header, SUM_AT, String.format(Locale.ROOT, "%06o\0 ", sum));
    out.write(header);
    out.write(content);
    out.write(new byte[(BLOCK - content.length % BLOCK) % BLOCK]);
  }

  private static String octal(long number) {
    return String.format(Locale.ROOT, "%011o", number);
  }

  private static void put(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }

  @Override
  public void close() throws IOException {
    if (!(out instanceof ZipOutputStream)) {
      out.write(new byte[2 * BLOCK]);
    }
    out.close();
  }
}
