package io.sluice.node.identity.x509;

import java.io.ByteArrayOutputStream;

/** Writes the few DER values (X.690) of which a signing request is made. */
final class Der {
  /** The integer 0. */
  static final byte[] ZERO = {0x02, 1, 0};

  /** The boolean true. */
  static final byte[] TRUE = {0x01, 1, (byte) 0xff};

  private static final int BIT_STRING = 0x03;
  private static final int OCTET_STRING = 0x04;
  private static final int OBJECT_IDENTIFIER = 0x06;
  private static final int SEQUENCE = 0x30;
  private static final int SET = 0x31;
  private static final int CONTEXT = 0x80;
  private static final int CONSTRUCTED = 0x20;

  private Der() {}

  static byte[] sequence(byte[]... parts) {
    return value(SEQUENCE, parts);
  }

  /** A set of one: several would have to be in order. */
  static byte[] set(byte[] part) {
    return value(SET, part);
  }

  static byte[] octets(byte[] content) {
    return value(OCTET_STRING, content);
  }

  /** Whole bytes. */
  static byte[] bits(byte[] content) {
    return value(BIT_STRING, new byte[] {0}, content);
  }

  /** A constructed value with tag number {@code number}, below 31. */
  static byte[] context(int number, byte[]... parts) {
    return value(CONTEXT | CONSTRUCTED | number, parts);
  }

  /** A primitive value with tag number {@code number}, below 31. */
  static byte[] contextPrimitive(int number, byte[] content) {
    return value(CONTEXT | number, content);
  }

  /** An object identifier in dotted form. */
  static byte[] oid(String dotted) {
    String[] words = dotted.split("\\.", -1);
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    content.write(Integer.parseInt(words[0]) * 40 + Integer.parseInt(words[1]));
    for (int i = 2; i < words.length; i++) {
      long arc = Long.parseLong(words[i]);
      for (int shift = 63 / 7 * 7; shift > 0; shift -= 7) {
        if (arc >>> shift != 0) {
          content.write((int) (arc >>> shift & 0x7f) | 0x80);
        }
      }
      content.write((int) (arc & 0x7f));
    }
    return value(OBJECT_IDENTIFIER, content.toByteArray());
  }

  private static byte[] value(int tag, byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(length + 6);
    out.write(tag);
    if (length < 0x80) {
      out.write(length);
    } else {
      int bytes = (Integer.SIZE - Integer.numberOfLeadingZeros(length) + 7) / 8;
      out.write(0x80 | bytes);
      for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
        out.write(length >>> shift);
      }
    }
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
