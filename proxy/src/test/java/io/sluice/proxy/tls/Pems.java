package io.sluice.proxy.tls;

import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.stream.Collectors;

/** Certificates and keys as other programs read them. */
public final class Pems {
  private Pems() {}

  public static String of(X509Certificate certificate) {
    try {
      return block("CERTIFICATE", certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** The chain, leaf first, and its key. */
  public static String of(PresentedChain chain) {
    return chain.chain().stream().map(Pems::of).collect(Collectors.joining())
        + block("PRIVATE KEY", chain.key().getEncoded());
  }

  private static String block(String type, byte[] der) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(type, Base64.getMimeEncoder().encodeToString(der), type);
  }
}
