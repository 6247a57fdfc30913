package io.sluice.control.authority.svid;

import io.sluice.control.authority.svid.Issuer.KeySigner;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.jspecify.annotations.Nullable;

/**
 * How certificates of one trust domain look: SPIFFE X.509-SVID §2 to §4, RFC 5280 §4. Immutable;
 * any thread.
 *
 * @param dnsNames whether leaves also carry {@code <sa>.<ns>.<trust domain>} as a DNS name
 * @param nameConstraints whether intermediates are bound to the trust domain, where its form lets
 *     them be (docs/adr/0007)
 */
public record SvidProfile(TrustDomain trustDomain, boolean dnsNames, boolean nameConstraints) {
  /** How far behind the authority's clock the clock of a peer may be. */
  public static final Duration CLOCK_SKEW = Duration.ofMinutes(5);

  private static final int SERIAL_BITS = 128;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The same for another trust domain. */
  public SvidProfile in(TrustDomain domain) {
    return new SvidProfile(domain, dnsNames, nameConstraints);
  }

  /** Whether {@code authority} is an issuer of ours that was made for another trust domain. */
  public boolean isForAnother(Issuer authority) {
    try {
      Collection<List<?>> names = authority.certificate().getSubjectAlternativeNames();
      return names != null
          && !names.contains(
              List.of(GeneralName.uniformResourceIdentifier, "spiffe://" + trustDomain));
    } catch (CertificateParsingException e) {
      return false; // then it is judged like any other
    }
  }

  /** A new self-signed root, which may have one intermediate below it. */
  public Issuer root(KeyPair pair, Instant now, Duration lifetime) {
    BigInteger serial = serial();
    X500Name name = authorityName("Root CA", serial);
    Draft draft = new Draft(name, name, serial, now.plus(lifetime), pair.getPublic());
    return new Issuer(
        List.of(authority(draft, now, pair.getPrivate(), null, 1)), pair.getPrivate());
  }

  /** A new intermediate below {@code parent}, that can sign leaves only and not outlive it. */
  public Issuer intermediate(Issuer parent, KeyPair pair, Instant now, Duration lifetime) {
    BigInteger serial = serial();
    Instant end = earlier(now.plus(lifetime), parent.notAfter());
    Draft draft =
        new Draft(
            subjectOf(parent),
            authorityName("Intermediate CA", serial),
            serial,
            end,
            pair.getPublic());
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(authority(draft, now, parent.key(), parent.certificate(), 0));
    chain.addAll(parent.chain());
    return new Issuer(chain, pair.getPrivate());
  }

  /** A leaf for {@code identity} and {@code key}; it ends no later than its issuers do. */
  public X509Certificate leaf(
      Issuer issuer, SpiffeId identity, PublicKey key, Instant now, Duration lifetime) {
    return leaf(
        issuer,
        leafNames(identity),
        new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth},
        key,
        now,
        lifetime);
  }

  /** A leaf of a client that is no workload and is known by DNS names; for no server. */
  public X509Certificate client(
      Issuer issuer, List<String> names, PublicKey key, Instant now, Duration lifetime) {
    return leaf(
        issuer,
        new GeneralNames(
            names.stream()
                .map(name -> new GeneralName(GeneralName.dNSName, name))
                .toArray(GeneralName[]::new)),
        new KeyPurposeId[] {KeyPurposeId.id_kp_clientAuth},
        key,
        now,
        lifetime);
  }

  private X509Certificate leaf(
      Issuer issuer,
      GeneralNames names,
      KeyPurposeId[] purposes,
      PublicKey key,
      Instant now,
      Duration lifetime) {
    Instant end = earlier(now.plus(lifetime), issuer.notAfter());
    X500Name nobody = new X500Name(new RDN[0]);
    Draft draft = new Draft(subjectOf(issuer), nobody, serial(), end, key);
    try {
      JcaX509v3CertificateBuilder builder = draft.begin(now);
      KeyIdentifiers.add(builder, key, issuer.certificate());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, leafUsage(key));
      builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes));
      // Critical, because the subject is empty (RFC 5280 §4.1.2.6).
      builder.addExtension(Extension.subjectAlternativeName, true, names);
      return signed(builder, issuer.key());
    } catch (CertIOException e) {
      throw new IllegalStateException("values of our own do encode", e);
    }
  }

  /** The DNS name of an identity, where it has a valid one (RFC 1123 §2.1). */
  public static Optional<String> dnsName(SpiffeId identity) {
    String name =
        identity.serviceAccount() + "." + identity.namespace() + "." + identity.trustDomain();
    return DomainConstraint.isDnsName(name) ? Optional.of(name) : Optional.empty();
  }

  private GeneralNames leafNames(SpiffeId identity) {
    List<GeneralName> names = new ArrayList<>();
    names.add(new GeneralName(GeneralName.uniformResourceIdentifier, identity.toString()));
    if (dnsNames) {
      dnsName(identity).ifPresent(name -> names.add(new GeneralName(GeneralName.dNSName, name)));
    }
    return new GeneralNames(names.toArray(GeneralName[]::new));
  }

  /** Bits beyond digitalSignature only where the kind of key can do it (RFC 3279, 5480, 8410). */
  private static KeyUsage leafUsage(PublicKey key) {
    return new KeyUsage(
        switch (key.getAlgorithm()) {
          case "RSA" -> KeyUsage.digitalSignature | KeyUsage.keyEncipherment;
          case "EC" -> KeyUsage.digitalSignature | KeyUsage.keyAgreement;
          default -> KeyUsage.digitalSignature;
        });
  }

  private X509Certificate authority(
      Draft draft,
      Instant now,
      PrivateKey signer,
      @Nullable X509Certificate parent,
      int pathLength) {
    try {
      JcaX509v3CertificateBuilder builder = draft.begin(now);
      KeyIdentifiers.add(builder, draft.key(), parent);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(pathLength));
      builder.addExtension(
          Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(
              new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://" + trustDomain)));
      if (parent != null && nameConstraints && DomainConstraint.canExpress(trustDomain)) {
        builder.addExtension(Extension.nameConstraints, true, DomainConstraint.of(trustDomain));
      }
      return signed(builder, signer);
    } catch (CertIOException e) {
      throw new IllegalStateException("values of our own do encode", e);
    }
  }

  private static X509Certificate signed(JcaX509v3CertificateBuilder builder, PrivateKey signer) {
    try {
      return new JcaX509CertificateConverter().getCertificate(builder.build(new KeySigner(signer)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("what was just built can be read", e);
    }
  }

  private static Instant earlier(Instant one, Instant other) {
    return one.isBefore(other) ? one : other;
  }

  private static BigInteger serial() {
    BigInteger serial = new BigInteger(SERIAL_BITS, RANDOM);
    return serial.signum() == 0 ? serial() : serial; // RFC 5280 §4.1.2.2: positive
  }

  /** Distinct per certificate, so that validators never mix up two generations by name. */
  private static X500Name authorityName(String role, BigInteger serial) {
    return new X500Name("O=Sluice,CN=" + role + " " + serial.toString(16));
  }

  private static X500Name subjectOf(Issuer issuer) {
    return X500Name.getInstance(issuer.certificate().getSubjectX500Principal().getEncoded());
  }

  /** What every certificate has, whoever it is for. */
  private record Draft(
      X500Name issuer, X500Name subject, BigInteger serial, Instant end, PublicKey key) {
    JcaX509v3CertificateBuilder begin(Instant now) {
      Instant begin = now.minus(CLOCK_SKEW).truncatedTo(ChronoUnit.SECONDS);
      return new JcaX509v3CertificateBuilder(
          issuer,
          serial,
          Date.from(begin),
          Date.from(end.truncatedTo(ChronoUnit.SECONDS)),
          subject,
          key);
    }
  }

  /**
   * What an intermediate is bound to (RFC 5280 §4.2.1.10): URIs whose host is the trust domain, DNS
   * names within it, and no IP address.
   */
  private static final class DomainConstraint {
    private static final int LONGEST_DNS_NAME = 253;
    private static final int IPV4_SUBTREE_BYTES = 8;
    private static final int IPV6_SUBTREE_BYTES = 32;
    private static final String LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
    private static final Pattern DNS_NAME = Pattern.compile(LABEL + "(\\." + LABEL + ")*");

    /** A last label that begins with a digit is no host name to the JDK's URI parser. */
    private static final Pattern ENDS_IN_A_NAME = Pattern.compile("(.*\\.)?[a-z][a-z0-9-]*");

    private DomainConstraint() {}

    static boolean isDnsName(String name) {
      return name.length() <= LONGEST_DNS_NAME && DNS_NAME.matcher(name).matches();
    }

    /** SPIFFE allows trust domains that no validator takes for a host, such as {@code my_mesh}. */
    static boolean canExpress(TrustDomain domain) {
      return isDnsName(domain.name()) && ENDS_IN_A_NAME.matcher(domain.name()).matches();
    }

    static NameConstraints of(TrustDomain domain) {
      GeneralSubtree[] permitted = {
        new GeneralSubtree(new GeneralName(GeneralName.uniformResourceIdentifier, domain.name())),
        new GeneralSubtree(new GeneralName(GeneralName.dNSName, domain.name()))
      };
      GeneralSubtree[] excluded = {
        allAddresses(IPV4_SUBTREE_BYTES), allAddresses(IPV6_SUBTREE_BYTES)
      };
      return new NameConstraints(permitted, excluded);
    }

    /** Address and mask, both zero: every address of that length. */
    private static GeneralSubtree allAddresses(int bytes) {
      return new GeneralSubtree(
          new GeneralName(GeneralName.iPAddress, new DEROctetString(new byte[bytes])));
    }
  }

  /** Subject and authority key identifier (RFC 5280 §4.2.1.1, §4.2.1.2). */
  private static final class KeyIdentifiers {
    private KeyIdentifiers() {}

    /** A self-signed certificate has no {@code issuer} and points at itself. */
    static void add(
        X509v3CertificateBuilder builder, PublicKey subject, @Nullable X509Certificate issuer)
        throws CertIOException {
      SubjectKeyIdentifier own = of(subject);
      builder.addExtension(Extension.subjectKeyIdentifier, false, own);
      byte[] identifier = issuer == null ? own.getKeyIdentifier() : stated(issuer);
      builder.addExtension(
          Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(identifier));
    }

    /**
     * As the issuer's certificate has it: an authority brought along may derive it in another way.
     */
    private static byte[] stated(X509Certificate issuer) {
      byte[] extension = issuer.getExtensionValue(Extension.subjectKeyIdentifier.getId());
      if (extension == null) {
        return of(issuer.getPublicKey()).getKeyIdentifier();
      }
      byte[] value = ASN1OctetString.getInstance(extension).getOctets();
      return SubjectKeyIdentifier.getInstance(ASN1OctetString.getInstance(value))
          .getKeyIdentifier();
    }

    private static SubjectKeyIdentifier of(PublicKey key) {
      try {
        return new JcaX509ExtensionUtils().createSubjectKeyIdentifier(key);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every JDK has SHA-1", e);
      }
    }
  }
}
