package io.sluice.cni;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.CRC32;

/** A membership file as the node daemon writes it; the checksum is the JDK's. */
final class MembershipText {
  static final String HEADER = "sluice-membership 1\n";

  private MembershipText() {}

  /** The file with these lines, each {@code <kind> <namespace>}. */
  static byte[] of(String... lines) {
    StringBuilder text = new StringBuilder(HEADER);
    for (String line : lines) {
      text.append(line).append('\n');
    }
    return checked(text.toString());
  }

  /** Any text, with its checksum behind it. */
  static byte[] checked(String text) {
    CRC32 crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    String digits = HexFormat.of().toHexDigits((int) crc.getValue());
    return (text + "crc32 " + digits + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
