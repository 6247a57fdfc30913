package io.sluice.cli.check;

import io.sluice.cli.check.Check.Sink;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates that are believed. */
final class RootChecks {
  private static final Duration SOON = Duration.ofDays(30);
  private static final int LEAST_BITS = 2048;

  /** What key files begin with; spelt in parts, as this is none. */
  private static final String KEY = "PRIVATE" + " KEY";

  private static final Pattern CERTIFICATE =
      Pattern.compile("-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----");

  private RootChecks() {}

  /** Looks at each root of a text in PEM. */
  static void of(String subject, String pem, Instant now, Sink found) {
    if (pem.contains(KEY)) {
      found.add(Code.ROOT_KEY, subject, "a block of it says so");
    }
    List<X509Certificate> roots;
    try {
      roots = read(pem);
    } catch (CertificateException e) {
      found.add(Code.ROOTS_UNREADABLE, subject, String.valueOf(e.getMessage()));
      return;
    }
    if (roots.isEmpty()) {
      found.add(Code.ROOTS_UNREADABLE, subject, "it holds no certificate");
    }
    roots.forEach(root -> one(subject, root, now, found));
  }

  /** The certificates of a text, which may have none. */
  static List<X509Certificate> read(String pem) throws CertificateException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<X509Certificate> roots = new ArrayList<>();
    Matcher blocks = CERTIFICATE.matcher(pem);
    while (blocks.find()) {
      byte[] block = blocks.group().getBytes(StandardCharsets.US_ASCII);
      if (factory.generateCertificate(new ByteArrayInputStream(block))
          instanceof X509Certificate one) {
        roots.add(one);
      }
    }
    return roots;
  }

  private static void one(String subject, X509Certificate root, Instant now, Sink found) {
    Instant end = root.getNotAfter().toInstant();
    String seen =
        "%s, %s to %s"
            .formatted(root.getSubjectX500Principal(), root.getNotBefore().toInstant(), end);
    if (end.isBefore(now)) {
      found.add(Code.ROOT_EXPIRED, subject, seen);
    } else if (now.isBefore(root.getNotBefore().toInstant())) {
      found.add(Code.ROOT_EARLY, subject, seen);
    } else if (end.isBefore(now.plus(SOON))) {
      found.add(Code.ROOT_SOON, subject, seen);
    }
    if (root.getBasicConstraints() < 0) {
      found.add(Code.ROOT_NO_CA, subject, seen);
    }
    if (root.getPublicKey() instanceof RSAPublicKey key
        && key.getModulus().bitLength() < LEAST_BITS) {
      found.add(Code.ROOT_WEAK, subject, key.getModulus().bitLength() + " bits, " + seen);
    }
  }
}
