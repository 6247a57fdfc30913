package io.sluice.mesh.svid;

import java.util.Arrays;

/**
 * What the JDK does not tell of a certificate's extensions (RFC 5280 §4.1, §4.2; X.690). Reads DER
 * that a parser has taken; of anything else it throws some unchecked exception. Not for several
 * threads.
 */
final class Extensions {
  private static final int EXTENSIONS = 0xa3; // [3] of TBSCertificate
  private static final int LONG_FORM = 0x80;

  private final byte[] der;
  private int at;

  private Extensions(byte[] der) {
    this.der = der;
  }

  /** Whether no extension of a TBSCertificate is there twice. */
  static boolean areDistinct(byte[] tbs) {
    Extensions in = new Extensions(tbs);
    int end = in.enter();
    while (in.at < end) {
      int tag = in.der[in.at] & 0xff;
      int next = in.enter();
      if (tag == EXTENSIONS) {
        return in.areDistinct();
      }
      in.at = next;
    }
    return true;
  }

  private boolean areDistinct() {
    int end = enter();
    int first = at;
    while (at < end) {
      int next = enter();
      int name = at;
      int nameEnd = enter();
      at = first;
      while (at < name) { // those before, of which there are few
        int nextOther = enter();
        int other = at;
        if (other < name && Arrays.equals(der, other, enter(), der, name, nameEnd)) {
          return false;
        }
        at = nextOther;
      }
      at = next;
    }
    return true;
  }

  /** What {@code getExtensionValue} wraps into an octet string. */
  static byte[] value(byte[] octetString) {
    Extensions in = new Extensions(octetString);
    int end = in.enter();
    return Arrays.copyOfRange(octetString, in.at, end);
  }

  /** Moves to the content of the value here, and tells where it ends. */
  private int enter() {
    at++; // its tag has one byte wherever we look
    int length = der[at++] & 0xff;
    if (length >= LONG_FORM) {
      int bytes = length - LONG_FORM;
      length = 0;
      for (int i = 0; i < bytes; i++) {
        length = length << 8 | der[at++] & 0xff;
      }
    }
    return at + length;
  }
}
