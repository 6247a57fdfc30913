package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
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
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A root and an intermediate of one trust domain; issues good certificates, and bad ones. */
public final class TestAuthority {
  /** What a leaf says. */
  public record Leaf(
      List<String> uris,
      Instant from,
      Instant to,
      boolean ca,
      boolean signs,
      List<KeyPurposeId> purposes) {
    public static Leaf of(SpiffeId identity) {
      Instant now = Instant.now();
      return new Leaf(
          List.of(identity.toString()),
          now.minus(Duration.ofMinutes(5)),
          now.plus(Duration.ofHours(1)),
          false,
          true,
          List.of(KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth));
    }

    /** Of a server with these names, which is no workload. */
    public static Leaf ofServer(String... names) {
      Instant now = Instant.now();
      return new Leaf(
          List.of(names),
          now.minus(Duration.ofMinutes(5)),
          now.plus(Duration.ofHours(24)),
          false,
          true,
          List.of(KeyPurposeId.id_kp_serverAuth));
    }

    public Leaf valid(Instant begin, Instant end) {
      return new Leaf(uris, begin, end, ca, signs, purposes);
    }

    public Leaf withUris(String... names) {
      return new Leaf(List.of(names), from, to, ca, signs, purposes);
    }

    public Leaf asCa() {
      return new Leaf(uris, from, to, true, signs, purposes);
    }

    public Leaf withoutSigning() {
      return new Leaf(uris, from, to, ca, false, purposes);
    }

    public Leaf only(KeyPurposeId... some) {
      return new Leaf(uris, from, to, ca, signs, List.of(some));
    }
  }

  /** Before a name of a leaf that is no URI. */
  public static final String DNS = "DNS:";

  /** The same of an IP address. */
  public static final String IP = "IP:";

  private static final String SUBJECT = "O=workload";
  private static final AtomicLong SERIALS = new AtomicLong(System.nanoTime());

  private final X500Name rootName;
  private final X500Name name;
  private final KeyPair key = newKey();
  private final X509Certificate intermediate;
  public final X509Certificate root;

  public TestAuthority(TrustDomain domain) {
    KeyPair rootKey = newKey();
    rootName = new X500Name("CN=root " + SERIALS.incrementAndGet() + ",O=" + domain);
    name = new X500Name("CN=intermediate,O=" + domain);
    root = authority(rootName, rootKey, rootName, rootKey);
    intermediate = authority(name, key, rootName, rootKey);
  }

  public TrustBundles bundle(TrustDomain domain) {
    return bundle(List.of(domain), root);
  }

  /** Of one mesh, in each of its trust domains. */
  public static TrustBundles bundle(List<TrustDomain> domains, X509Certificate... roots) {
    return new TrustBundles(
        domains.stream().collect(Collectors.toMap(domain -> domain, _ -> List.of(roots))),
        Set.copyOf(domains));
  }

  /** Good credentials that trust this authority alone. */
  public WorkloadCredentials issue(SpiffeId identity) {
    return issue(identity, bundle(identity.trustDomain()));
  }

  public WorkloadCredentials issue(SpiffeId identity, TrustBundles trusted) {
    KeyPair leafKey = newKey();
    return new WorkloadCredentials(
        identity, chain(Leaf.of(identity), SUBJECT, leafKey), leafKey.getPrivate(), trusted);
  }

  /** Credentials that may break rules our own side would refuse to load. */
  public PresentedChain present(Leaf leaf) {
    return present(leaf, SUBJECT);
  }

  /** The same of that name. */
  public PresentedChain present(Leaf leaf, String subject) {
    KeyPair leafKey = newKey();
    return new PresentedChain(chain(leaf, subject, leafKey), leafKey.getPrivate());
  }

  private List<X509Certificate> chain(Leaf leaf, String subject, KeyPair leafKey) {
    try {
      var builder =
          new JcaX509v3CertificateBuilder(
              name,
              BigInteger.valueOf(SERIALS.incrementAndGet()),
              Date.from(leaf.from),
              Date.from(leaf.to),
              new X500Name(subject),
              leafKey.getPublic());
      int usage = leaf.ca ? KeyUsage.keyCertSign : 0;
      usage |= leaf.signs ? KeyUsage.digitalSignature : KeyUsage.keyAgreement;
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(leaf.ca));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
      if (!leaf.purposes.isEmpty()) {
        builder.addExtension(
            Extension.extendedKeyUsage,
            false,
            new ExtendedKeyUsage(leaf.purposes.toArray(KeyPurposeId[]::new)));
      }
      if (!leaf.uris.isEmpty()) {
        GeneralName[] names =
            leaf.uris.stream().map(TestAuthority::name).toArray(GeneralName[]::new);
        builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
      }
      return List.of(signed(builder, key), intermediate);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static GeneralName name(String uri) {
    if (uri.startsWith(IP)) {
      return new GeneralName(GeneralName.iPAddress, uri.substring(IP.length()));
    }
    return uri.startsWith(DNS)
        ? new GeneralName(GeneralName.dNSName, uri.substring(DNS.length()))
        : new GeneralName(GeneralName.uniformResourceIdentifier, uri);
  }

  private static X509Certificate authority(
      X500Name subject, KeyPair subjectKey, X500Name issuer, KeyPair issuerKey) {
    try {
      Instant now = Instant.now();
      var builder =
          new JcaX509v3CertificateBuilder(
              issuer,
              BigInteger.valueOf(SERIALS.incrementAndGet()),
              Date.from(now.minus(Duration.ofDays(1))),
              Date.from(now.plus(Duration.ofDays(1))),
              subject,
              subjectKey.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
      builder.addExtension(
          Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
      return signed(builder, issuerKey);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Certificate signed(JcaX509v3CertificateBuilder builder, KeyPair issuer)
      throws Exception {
    var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(issuer.getPrivate());
    return new JcaX509CertificateConverter().getCertificate(builder.build(signer));
  }

  private static KeyPair newKey() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
