package io.sluice.mesh.svid;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Chains of certificates that every place which judges them has to judge alike: one thing is odd in
 * each. All are of {@link #IDENTITY} where they are of anybody, at {@link #NOW}, for a client.
 */
public final class OddChains {
  /** When they are judged. */
  public static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");

  /** Whom the good ones prove. */
  public static final SpiffeId IDENTITY = SpiffeId.parse("spiffe://site.example/ns/shop/sa/store");

  /** Of the roots. */
  public static final TrustDomain DOMAIN = IDENTITY.trustDomain();

  /**
   * One chain.
   *
   * @param name what is odd about it
   * @param der its certificates, leaf first; not all can be parsed
   * @param roots that are trusted
   * @param refusal why it proves nobody; empty where it is good
   */
  public record Chain(
      String name, List<byte[]> der, List<X509Certificate> roots, Optional<SvidReason> refusal) {
    public Chain {
      der = List.copyOf(der);
      roots = List.copyOf(roots);
    }

    @Override
    public String toString() {
      return name + ": " + refusal.map(Enum::name).orElse("good");
    }
  }

  private static final Provider CASTLE = new BouncyCastleProvider();
  private static final String URI = IDENTITY.toString();
  private static final Map<String, KeyPair> KEYS = new HashMap<>(); // RSA keys take their time

  /** The object identifier 2.5.29.99, which is none of X.509's, in DER. */
  private static final byte[] SECOND_NAMES = {6, 3, 0x55, 0x1d, 99};

  private OddChains() {}

  /** A certificate as it should be, until a case spoils something. */
  private static final class Draft {
    private final String name;
    private KeyPair key;
    private Draft issuer;
    private String signature = "SHA256withECDSA";
    private Duration from = Duration.ofHours(-1);
    private Duration to = Duration.ofHours(1);
    private @Nullable BasicConstraints basic = new BasicConstraints(false);
    private int usage = KeyUsage.digitalSignature;
    private boolean usageIsThere = true;
    private KeyPurposeId[] purposes = {
      KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth
    };
    private GeneralName[] names = {};
    private final List<Extension> others = new ArrayList<>();
    private byte @Nullable [] der;

    private Draft(String name, @Nullable Draft issuerOrNull) {
      this.name = name;
      this.key = ec("secp256r1");
      this.issuer = issuerOrNull == null ? this : issuerOrNull;
    }

    /** Once: each signature is another. */
    private byte[] der() {
      byte[] known = der;
      if (known == null) {
        known = signed();
        der = known;
      }
      return known;
    }

    private byte[] signed() {
      try {
        X509v3CertificateBuilder builder =
            new X509v3CertificateBuilder(
                new X500Name("CN=" + issuer.name),
                BigInteger.valueOf(Math.abs(name.hashCode()) + 1L),
                Date.from(NOW.plus(from)),
                Date.from(NOW.plus(to)),
                new X500Name("CN=" + name),
                SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()));
        if (basic != null) {
          builder.addExtension(Extension.basicConstraints, true, basic);
        }
        if (usageIsThere) {
          builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
        }
        if (purposes.length > 0) {
          builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes));
        }
        if (names.length > 0) {
          builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
        }
        for (Extension other : others) {
          builder.addExtension(other);
        }
        var signer = new JcaContentSignerBuilder(signature).setProvider(CASTLE);
        byte[] tbs =
            builder
                .build(signer.build(issuer.key.getPrivate()))
                .toASN1Structure()
                .getTBSCertificate()
                .getEncoded();
        ContentSigner content = signer.build(issuer.key.getPrivate());
        content.getOutputStream().write(secondNames(tbs));
        return new DERSequence(
                new ASN1Encodable[] {
                  ASN1Primitive.fromByteArray(secondNames(tbs)),
                  content.getAlgorithmIdentifier(),
                  new DERBitString(content.getSignature())
                })
            .getEncoded();
      } catch (IOException | OperatorCreationException e) {
        throw new IllegalStateException(name, e);
      }
    }

    /** The builder adds nothing twice: what stands for the second names becomes them here. */
    private static byte[] secondNames(byte[] tbs) {
      byte[] changed = tbs.clone();
      for (int i = 0; i + 4 < changed.length; i++) {
        if (Arrays.equals(changed, i, i + 5, SECOND_NAMES, 0, 5)) {
          changed[i + 4] = 17;
        }
      }
      return changed;
    }

    private X509Certificate certificate() {
      try {
        return Certificates.parse(der());
      } catch (SvidRefused e) {
        throw new IllegalStateException(name, e);
      }
    }
  }

  /** A root, an intermediate and a leaf, each of which a case may spoil. */
  private static final class Site {
    private final Draft root = authority("root", null);
    private final Draft intermediate = authority("intermediate", root);
    private final Draft leaf = new Draft("leaf", intermediate);

    private Site() {
      leaf.names = new GeneralName[] {uri(URI)};
    }

    private Chain chain(String name, @Nullable SvidReason refusal, byte[]... ders) {
      return new Chain(
          name, List.of(ders), List.of(root.certificate()), Optional.ofNullable(refusal));
    }
  }

  private static Draft authority(String name, @Nullable Draft issuerOrNull) {
    Draft made = new Draft(name, issuerOrNull);
    made.basic = new BasicConstraints(true);
    made.usage = KeyUsage.keyCertSign | KeyUsage.cRLSign;
    made.purposes = new KeyPurposeId[0];
    made.to = Duration.ofDays(365);
    return made;
  }

  /** Every chain. */
  public static Stream<Chain> all() {
    List<Chain> chains = new ArrayList<>();
    good(chains);
    leaves(chains);
    names(chains);
    keysAndSignatures(chains);
    damaged(chains);
    paths(chains);
    return chains.stream();
  }

  private static Chain spoilt(String name, @Nullable SvidReason refusal, Consumer<Site> change) {
    Site site = new Site();
    change.accept(site);
    return site.chain(name, refusal, site.leaf.der(), site.intermediate.der());
  }

  private static void good(List<Chain> chains) {
    Site site = new Site();
    chains.add(site.chain("as it should be", null, site.leaf.der(), site.intermediate.der()));
    chains.add(
        site.chain(
            "with its root", null, site.leaf.der(), site.intermediate.der(), site.root.der()));
    Draft direct = new Draft("direct", site.root);
    direct.names = site.leaf.names;
    chains.add(site.chain("without an intermediate", null, direct.der()));
    chains.add(stacked("of six", null, 5, false));
    chains.add(stacked("of six and the root", null, 5, true));
    chains.add(spoilt("no extended key usage", null, s -> s.leaf.purposes = new KeyPurposeId[0]));
    chains.add(spoilt("begins within the skew", null, s -> s.leaf.from = Duration.ofSeconds(30)));
    chains.add(spoilt("ended within the skew", null, s -> s.leaf.to = Duration.ofSeconds(-30)));
    chains.add(
        spoilt("root bound to its domain", null, s -> s.root.others.add(bound("site.example"))));
    chains.add(
        spoilt(
            "intermediate bound to its domain",
            null,
            s -> s.intermediate.others.add(bound("site.example"))));
    chains.add(spoilt("root of path length 1", null, s -> s.root.basic = new BasicConstraints(1)));
    for (String curve : List.of("secp384r1", "secp521r1")) {
      chains.add(spoilt("key on " + curve, null, s -> s.leaf.key = ec(curve)));
    }
    chains.add(spoilt("key on Ed25519", null, s -> s.leaf.key = key("Ed25519", "Ed25519", 0)));
    chains.add(spoilt("key of RSA 2048", null, s -> s.leaf.key = key("RSA", "RSA", 2048)));
    chains.add(signedByRsa("signed with RSA and SHA-256", null, 2048, "SHA256withRSA"));
    chains.add(signedByRsa("signed with PSS and SHA-256", null, 2048, "SHA256withRSAandMGF1"));
    Site crossed = new Site();
    Draft other = authority("another root", null);
    Draft bridge = authority("intermediate", other);
    bridge.key = crossed.intermediate.key;
    chains.add(
        new Chain(
            "intermediate cross-signed by the trusted root",
            List.of(crossed.leaf.der(), bridge.der()),
            List.of(other.certificate()),
            Optional.empty()));
    Draft namesake = authority("root", null);
    chains.add(
        new Chain(
            "two trusted roots of one name",
            List.of(crossed.leaf.der(), crossed.intermediate.der()),
            List.of(namesake.certificate(), crossed.root.certificate()),
            Optional.empty()));
  }

  private static void leaves(List<Chain> chains) {
    chains.add(spoilt("expired", SvidReason.EXPIRED, s -> s.leaf.to = Duration.ofSeconds(-61)));
    chains.add(
        spoilt(
            "not yet valid", SvidReason.NOT_YET_VALID, s -> s.leaf.from = Duration.ofSeconds(61)));
    chains.add(
        spoilt(
            "intermediate expired",
            SvidReason.EXPIRED,
            s -> s.intermediate.to = Duration.ofSeconds(-61)));
    chains.add(
        spoilt("root expired", SvidReason.EXPIRED, s -> s.root.to = Duration.ofSeconds(-61)));
    chains.add(
        spoilt(
            "for servers only",
            SvidReason.WRONG_PURPOSE,
            s -> s.leaf.purposes = new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth}));
    chains.add(
        spoilt(
            "for any purpose",
            SvidReason.WRONG_PURPOSE,
            s -> s.leaf.purposes = new KeyPurposeId[] {KeyPurposeId.anyExtendedKeyUsage}));
    chains.add(spoilt("no key usage", SvidReason.NOT_AN_SVID, s -> s.leaf.usageIsThere = false));
    chains.add(
        spoilt(
            "key may agree and not sign",
            SvidReason.NOT_AN_SVID,
            s -> s.leaf.usage = KeyUsage.keyAgreement));
    chains.add(
        spoilt(
            "leaf may sign certificates",
            SvidReason.NOT_AN_SVID,
            s -> s.leaf.usage = KeyUsage.digitalSignature | KeyUsage.keyCertSign));
    chains.add(
        spoilt(
            "leaf may sign CRLs",
            SvidReason.NOT_AN_SVID,
            s -> s.leaf.usage = KeyUsage.digitalSignature | KeyUsage.cRLSign));
    chains.add(
        spoilt(
            "leaf is an authority",
            SvidReason.NOT_AN_SVID,
            s -> s.leaf.basic = new BasicConstraints(true)));
  }

  private static void names(List<Chain> chains) {
    chains.add(
        spoilt(
            "two URIs",
            SvidReason.NOT_AN_SVID,
            s -> s.leaf.names = new GeneralName[] {uri(URI), uri(URI.replace("store", "bank"))}));
    chains.add(
        spoilt(
            "the same URI twice",
            SvidReason.NOT_AN_SVID,
            s -> s.leaf.names = new GeneralName[] {uri(URI), uri(URI)}));
    chains.add(spoilt("no names", SvidReason.NOT_AN_SVID, s -> s.leaf.names = new GeneralName[0]));
    chains.add(
        spoilt(
            "a DNS name and no URI",
            SvidReason.NOT_AN_SVID,
            s ->
                s.leaf.names =
                    new GeneralName[] {new GeneralName(GeneralName.dNSName, "store.example")}));
    Map<String, String> uris =
        Map.ofEntries(
            Map.entry("scheme in upper case", "SPIFFE://site.example/ns/shop/sa/store"),
            Map.entry("host in upper case", "spiffe://SITE.example/ns/shop/sa/store"),
            Map.entry("trailing slash", URI + "/"),
            Map.entry("empty path", "spiffe://site.example"),
            Map.entry("empty path segment", "spiffe://site.example/ns//sa/store"),
            Map.entry("path segment ..", "spiffe://site.example/ns/../sa/store"),
            Map.entry("percent-encoding", "spiffe://site.example/ns/shop/sa/s%74ore"),
            Map.entry("letters beyond ASCII", "spiffe://site.example/ns/shop/sa/stor\u00e9"),
            Map.entry("user", "spiffe://root@site.example/ns/shop/sa/store"),
            Map.entry("port", "spiffe://site.example:443/ns/shop/sa/store"),
            Map.entry("IPv6 address", "spiffe://[::1]/ns/shop/sa/store"),
            Map.entry("query", URI + "?sa=bank"),
            Map.entry("fragment", URI + "#bank"),
            Map.entry("NUL", URI + "\0.evil"),
            Map.entry("line feed", URI + "\n"),
            Map.entry("another scheme", "https://site.example/ns/shop/sa/store"));
    uris.forEach((odd, uri) ->
        chains.add(
            spoilt(
                "URI: " + odd,
                SvidReason.NOT_AN_SVID,
                s -> s.leaf.names = new GeneralName[] {uri(uri)})));
    for (String host : List.of("other.example", "10.0.0.1", "sub.site.example")) {
      chains.add(
          spoilt(
              "trust domain " + host,
              SvidReason.FOREIGN_TRUST_DOMAIN,
              s ->
                  s.leaf.names =
                      new GeneralName[] {uri("spiffe://" + host + "/ns/shop/sa/store")}));
    }
  }

  private static void keysAndSignatures(List<Chain> chains) {
    chains.add(
        spoilt("key of RSA 1024", SvidReason.WEAK, s -> s.leaf.key = key("RSA", "RSA", 1024)));
    for (String curve : List.of("secp256k1", "brainpoolP256r1", "secp224r1")) {
      chains.add(spoilt("key on " + curve, SvidReason.WEAK, s -> s.leaf.key = ec(curve)));
    }
    chains.add(spoilt("key on Ed448", SvidReason.WEAK, s -> s.leaf.key = key("Ed448", "Ed448", 0)));
    chains.add(spoilt("key of DSA", SvidReason.WEAK, s -> s.leaf.key = key("DSA", "DSA", 2048)));
    chains.add(signedByRsa("signed with RSA 1024", SvidReason.WEAK, 1024, "SHA256withRSA"));
    chains.add(signedByRsa("signed with SHA-1", SvidReason.WEAK, 2048, "SHA1withRSA"));
    chains.add(signedByRsa("signed with MD5", SvidReason.WEAK, 2048, "MD5withRSA"));
    chains.add(
        signedByRsa("signed with PSS and SHA-1", SvidReason.WEAK, 2048, "SHA1withRSAandMGF1"));
    chains.add(
        spoilt(
            "signed with ECDSA and SHA-1",
            SvidReason.WEAK,
            s -> s.leaf.signature = "SHA1withECDSA"));
    chains.add(
        spoilt(
            "root of RSA 1024",
            SvidReason.WEAK,
            s -> {
              s.root.key = key("RSA", "RSA", 1024);
              s.root.signature = "SHA256withRSA";
              s.intermediate.signature = "SHA256withRSA";
            }));
  }

  private static Chain signedByRsa(
      String name, @Nullable SvidReason refusal, int bits, String signature) {
    return spoilt(
        name,
        refusal,
        s -> {
          s.intermediate.key = key("RSA", "RSA", bits);
          s.leaf.signature = signature;
        });
  }

  private static void damaged(List<Chain> chains) {
    Site site = new Site();
    byte[] leaf = site.leaf.der();
    byte[] intermediate = site.intermediate.der();
    chains.add(
        site.chain(
            "bytes",
            SvidReason.UNREADABLE,
            "not a certificate".getBytes(StandardCharsets.US_ASCII),
            intermediate));
    chains.add(site.chain("no bytes", SvidReason.UNREADABLE, new byte[0], intermediate));
    chains.add(
        site.chain(
            "cut off", SvidReason.UNREADABLE, Arrays.copyOf(leaf, leaf.length - 1), intermediate));
    chains.add(
        site.chain(
            "a byte behind",
            SvidReason.UNREADABLE,
            Arrays.copyOf(leaf, leaf.length + 1),
            intermediate));
    byte[] forged = leaf.clone();
    forged[forged.length - 1] ^= 1;
    chains.add(site.chain("another signature", SvidReason.UNTRUSTED, forged, intermediate));
    chains.add(
        spoilt(
            "oversized",
            SvidReason.UNREADABLE,
            s ->
                s.leaf.others.add(
                    extension(
                        "1.3.6.1.4.1.99999.1", false, new byte[Certificates.LONGEST_BYTES]))));
    chains.add(
        spoilt(
            "two extensions of names, one unreadable",
            SvidReason.UNREADABLE,
            s -> s.leaf.others.add(unreadable("2.5.29.99"))));
    chains.add(
        spoilt(
            "two extensions of names",
            SvidReason.UNREADABLE,
            s -> {
              try {
                s.leaf.others.add(
                    extension(
                        "2.5.29.99",
                        false,
                        new GeneralNames(uri(URI.replace("store", "bank"))).getEncoded()));
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            }));
    chains.add(
        spoilt(
            "extended key usage unreadable",
            SvidReason.UNREADABLE,
            s -> {
              s.leaf.purposes = new KeyPurposeId[0];
              s.leaf.others.add(unreadable("2.5.29.37"));
            }));
    chains.add(
        spoilt(
            "name constraints of the intermediate unreadable",
            SvidReason.UNREADABLE,
            s -> s.intermediate.others.add(unreadable("2.5.29.30"))));
    chains.add(
        spoilt(
            "name constraints of the root unreadable",
            SvidReason.UNREADABLE,
            s -> s.root.others.add(unreadable("2.5.29.30"))));
    chains.add(
        spoilt(
            "unknown critical extension",
            SvidReason.UNTRUSTED,
            s -> s.leaf.others.add(extension("1.3.6.1.4.1.99999.2", true, new byte[] {5, 0}))));
    chains.add(
        spoilt(
            "unknown critical extension of the intermediate",
            SvidReason.UNTRUSTED,
            s ->
                s.intermediate.others.add(
                    extension("1.3.6.1.4.1.99999.2", true, new byte[] {5, 0}))));
  }

  private static void paths(List<Chain> chains) {
    Site site = new Site();
    byte[] leaf = site.leaf.der();
    byte[] intermediate = site.intermediate.der();
    byte[] root = site.root.der();
    chains.add(site.chain("empty", SvidReason.NO_CERTIFICATE));
    chains.add(site.chain("intermediate missing", SvidReason.UNTRUSTED, leaf));
    chains.add(site.chain("wrong order", SvidReason.NOT_AN_SVID, intermediate, leaf));
    chains.add(site.chain("root alone", SvidReason.NOT_AN_SVID, root));
    chains.add(site.chain("root first", SvidReason.NOT_AN_SVID, root, leaf, intermediate));
    chains.add(site.chain("leaf twice", SvidReason.UNTRUSTED, leaf, leaf, intermediate));
    chains.add(
        site.chain("intermediate twice", SvidReason.UNTRUSTED, leaf, intermediate, intermediate));
    chains.add(stacked("too long", SvidReason.CHAIN_TOO_LONG, 6, false));
    chains.add(stacked("too long with its root", SvidReason.CHAIN_TOO_LONG, 6, true));
    chains.add(
        site.chain(
            "of a hundred",
            SvidReason.CHAIN_TOO_LONG,
            Collections.nCopies(100, leaf).toArray(byte[][]::new)));
    Draft thief = site.leaf;
    Draft victim = new Draft("victim", thief);
    victim.names = thief.names;
    chains.add(
        site.chain(
            "leaf signed by a leaf", SvidReason.UNTRUSTED, victim.der(), leaf, intermediate));
    chains.add(
        spoilt(
            "intermediate without the CA flag",
            SvidReason.UNTRUSTED,
            s -> s.intermediate.basic = new BasicConstraints(false)));
    chains.add(
        spoilt(
            "intermediate without basic constraints",
            SvidReason.UNTRUSTED,
            s -> s.intermediate.basic = null));
    chains.add(
        spoilt(
            "intermediate may sign CRLs only",
            SvidReason.UNTRUSTED,
            s -> s.intermediate.usage = KeyUsage.cRLSign));
    chains.add(
        spoilt(
            "intermediate without key usage",
            SvidReason.UNTRUSTED,
            s -> s.intermediate.usageIsThere = false));
    chains.add(
        spoilt(
            "root bound to another domain",
            SvidReason.NAME_CONSTRAINED,
            s -> s.root.others.add(bound("other.example"))));
    chains.add(
        spoilt(
            "intermediate bound to another domain",
            SvidReason.NAME_CONSTRAINED,
            s -> s.intermediate.others.add(bound("other.example"))));
    chains.add(
        spoilt(
            "root with fewer authorities below it",
            SvidReason.UNTRUSTED,
            s -> s.root.basic = new BasicConstraints(0)));
    Site deep = new Site();
    deep.intermediate.basic = new BasicConstraints(0);
    deep.leaf.issuer = authority("below", deep.intermediate);
    chains.add(
        deep.chain(
            "intermediate with fewer authorities below it",
            SvidReason.UNTRUSTED,
            deep.leaf.der(),
            deep.leaf.issuer.der(),
            deep.intermediate.der()));
    Site stranger = new Site();
    chains.add(
        site.chain(
            "of a stranger's root of the same name",
            SvidReason.UNTRUSTED,
            stranger.leaf.der(),
            stranger.intermediate.der(),
            stranger.root.der()));
    Draft bridge = authority("intermediate", authority("a stranger", null));
    bridge.key = site.intermediate.key;
    chains.add(
        site.chain(
            "intermediate cross-signed by a stranger", SvidReason.UNTRUSTED, leaf, bridge.der()));
  }

  /** A leaf below {@code issuers} intermediates. */
  private static Chain stacked(
      String name, @Nullable SvidReason refusal, int issuers, boolean withRoot) {
    Site site = new Site();
    List<byte[]> ders = new ArrayList<>();
    Draft issuer = site.root;
    for (int i = 0; i < issuers; i++) {
      issuer = authority("intermediate " + i, issuer);
      ders.addFirst(issuer.der());
    }
    site.leaf.issuer = issuer;
    ders.addFirst(site.leaf.der());
    if (withRoot) {
      ders.add(site.root.der());
    }
    return site.chain(name, refusal, ders.toArray(byte[][]::new));
  }

  private static GeneralName uri(String name) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, name);
  }

  private static Extension bound(String domain) {
    GeneralSubtree[] permitted = {new GeneralSubtree(uri(domain))};
    try {
      return new Extension(
          Extension.nameConstraints,
          true,
          new DEROctetString(new NameConstraints(permitted, null)));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Extension unreadable(String oid) {
    return extension(oid, false, new byte[] {0x30, 3, 0x01});
  }

  private static Extension extension(String oid, boolean critical, byte[] value) {
    return new Extension(new ASN1ObjectIdentifier(oid), critical, value);
  }

  private static KeyPair ec(String curve) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", CASTLE);
      generator.initialize(new ECGenParameterSpec(curve));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(curve, e);
    }
  }

  /** Made once for each kind. */
  private static synchronized KeyPair key(String kind, String algorithm, int bits) {
    return KEYS.computeIfAbsent(
        kind + bits,
        _ -> {
          try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
            if (bits > 0) {
              generator.initialize(bits);
            }
            return generator.generateKeyPair();
          } catch (GeneralSecurityException e) {
            throw new IllegalStateException(kind, e);
          }
        });
  }
}
