package io.sluice.lab.capture;

import java.util.Optional;

/** Whether streams are TLS and nothing else, by the framing of its records (RFC 8446 §5). */
public final class TlsRecords {
  private static final int HEADER_BYTES = 5;
  private static final int FIRST_TYPE = 20; // change_cipher_spec
  private static final int LAST_TYPE = 23; // application_data
  private static final int HANDSHAKE = 22;
  private static final int MAJOR_VERSION = 3;
  private static final int LAST_MINOR_VERSION = 3;
  private static final int MOST_BYTES = (1 << 14) + 256;

  private TlsRecords() {}

  /**
   * What is wrong with a stream, for people; empty when it was captured from its beginning without
   * a gap and is one record behind another, the last of which may be incomplete.
   */
  public static Optional<String> problem(TcpStream stream) {
    if (!stream.isFromItsBeginning()) {
      return Optional.of(stream + " began before the capture");
    } else if (stream.bytesBehindGap() > 0) {
      return Optional.of(stream + " was captured with a gap");
    }
    return problem(stream.bytes()).map(problem -> stream + ": " + problem);
  }

  static Optional<String> problem(byte[] bytes) {
    int at = 0;
    while (at + HEADER_BYTES <= bytes.length) {
      int length =
          Byte.toUnsignedInt(bytes[at + 3]) << Byte.SIZE | Byte.toUnsignedInt(bytes[at + 4]);
      boolean typed =
          at == 0
              ? bytes[at] == HANDSHAKE || bytes[at] == FIRST_TYPE + 1 // an alert may be the answer
              : bytes[at] >= FIRST_TYPE && bytes[at] <= LAST_TYPE;
      if (!typed
          || bytes[at + 1] != MAJOR_VERSION
          || bytes[at + 2] < 1
          || bytes[at + 2] > LAST_MINOR_VERSION
          || length == 0
          || length > MOST_BYTES) {
        return Optional.of("byte " + at + " of " + bytes.length + " begins no TLS record");
      }
      at += HEADER_BYTES + length;
    }
    return Optional.empty();
  }
}
