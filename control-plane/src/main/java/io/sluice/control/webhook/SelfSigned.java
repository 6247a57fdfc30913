package io.sluice.control.webhook;

import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate of the webhook's own, for a DNS name, which is its own root: the API server is told
 * to trust it by {@code caBundle}. The mesh's authority signs identities, never names of servers.
 */
public final class SelfSigned {
  /** As long as nobody should have to change {@code caBundle}. */
  private static final Duration LIFE = Duration.ofDays(3_650);

  private static final Duration RENEW_BEFORE_END = Duration.ofDays(90);

  /** Clocks of API servers are not ours. */
  private static final Duration BEFORE_NOW = Duration.ofMinutes(5);

  private static final int SERIAL_BITS = 127;
  private static final String DNS_NAME =
      "(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*";

  private SelfSigned() {}

  /**
   * Uses what is in {@code directory}, or makes {@code webhook.crt} and {@code webhook.key} there
   * where they are missing, for another name or close to their end.
   *
   * @param name DNS name by which the API server calls, {@code <service>.<namespace>.svc}
   * @throws IllegalArgumentException when it is none
   */
  public static ServingCertificate in(Path directory, String name, InstantSource clock) {
    if (!name.matches(DNS_NAME)) {
      throw new IllegalArgumentException("'" + name + "' is not the DNS name of a server");
    }
    Path chain = directory.resolve("webhook.crt");
    Path key = directory.resolve("webhook.key");
    DurableFiles.makeDirectory(directory);
    if (!isUsable(chain, key, name, clock.instant())) {
      KeyPair pair = SigningKey.P256.generate();
      X509Certificate made = certificate(pair, name, clock.instant());
      DurableFiles.delete(chain); // never one beside the key of another
      DurableFiles.write(key, new Pem(List.of(), List.of(pair.getPrivate())).text());
      DurableFiles.write(chain, new Pem(List.of(made), List.of()).text());
    }
    return ServingCertificate.of(chain, key, clock);
  }

  private static boolean isUsable(Path chain, Path key, String name, Instant now) {
    Optional<String> text = DurableFiles.read(chain, Pem.LONGEST_TEXT);
    if (text.isEmpty() || DurableFiles.read(key, Pem.LONGEST_TEXT).isEmpty()) {
      return false;
    }
    List<X509Certificate> found = Pem.parse(text.get(), chain.toString()).certificates();
    if (found.isEmpty()) {
      return false;
    }
    X509Certificate leaf = found.getFirst();
    return leaf.getSubjectX500Principal().getName().equals("CN=sluice-webhook")
        && names(leaf).equals(List.of(name))
        && now.plus(RENEW_BEFORE_END).isBefore(leaf.getNotAfter().toInstant());
  }

  private static List<String> names(X509Certificate leaf) {
    try {
      var names = leaf.getSubjectAlternativeNames();
      return names == null
          ? List.of()
          : names.stream().map(entry -> String.valueOf(entry.get(1))).toList();
    } catch (GeneralSecurityException e) {
      return List.of();
    }
  }

  private static X509Certificate certificate(KeyPair pair, String name, Instant now) {
    X500Name self = new X500Name("CN=sluice-webhook");
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            self,
            new BigInteger(SERIAL_BITS, new SecureRandom()).setBit(0),
            Date.from(now.minus(BEFORE_NOW)),
            Date.from(now.plus(LIFE)),
            self,
            pair.getPublic());
    try {
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(
          Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth));
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(new GeneralName(GeneralName.dNSName, name)));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate())));
    } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException("a key of this JDK signs its certificate", e);
    }
  }
}
