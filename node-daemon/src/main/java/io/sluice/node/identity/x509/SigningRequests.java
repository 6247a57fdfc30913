package io.sluice.node.identity.x509;

import io.sluice.mesh.SpiffeId;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;

/** New keys, and the requests that prove them. Any thread; some milliseconds of computing. */
public final class SigningRequests {
  private static final byte[] EXTENSION_REQUEST = Der.oid("1.2.840.113549.1.9.14"); // RFC 2985
  private static final byte[] SUBJECT_ALTERNATIVE_NAME = Der.oid("2.5.29.17"); // RFC 5280
  private static final byte[] ECDSA_WITH_SHA256 = Der.oid("1.2.840.10045.4.3.2"); // RFC 5758
  private static final int URI_NAME = 6; // GeneralName, RFC 5280 §4.2.1.6

  private SigningRequests() {}

  /** A key on the curve P-256, which every TLS stack takes. */
  public static KeyPair newKey() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK makes no P-256 keys", e);
    }
  }

  /** PKCS#10 in DER for a key alone: whoever signs it knows the name. */
  public static byte[] of(KeyPair key) {
    return request(key, Der.context(0));
  }

  /**
   * PKCS#10 in DER with exactly this identity as a URI name, which authorities need that take names
   * from the request.
   */
  public static byte[] of(KeyPair key, SpiffeId identity) {
    byte[] uri = identity.toString().getBytes(StandardCharsets.US_ASCII);
    byte[] name =
        Der.sequence(
            SUBJECT_ALTERNATIVE_NAME,
            Der.TRUE, // critical, since there is no subject (RFC 5280 §4.2.1.6)
            Der.octets(Der.sequence(Der.contextPrimitive(URI_NAME, uri))));
    return request(
        key, Der.context(0, Der.sequence(EXTENSION_REQUEST, Der.set(Der.sequence(name)))));
  }

  /** RFC 2986 §4, version 0 with an empty subject. */
  private static byte[] request(KeyPair key, byte[] attributes) {
    byte[] info = Der.sequence(Der.ZERO, Der.sequence(), key.getPublic().getEncoded(), attributes);
    return Der.sequence(info, Der.sequence(ECDSA_WITH_SHA256), Der.bits(signature(key, info)));
  }

  private static byte[] signature(KeyPair key, byte[] info) {
    try {
      Signature signature = Signature.getInstance("SHA256withECDSA");
      signature.initSign(key.getPrivate());
      signature.update(info);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a request cannot be signed by a new key", e);
    }
  }

  /** Writes the few DER values (X.690) of which a signing request is made. */
  static final class Der {
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
}
