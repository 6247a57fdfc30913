package io.sluice.fuzz;

import static io.sluice.fuzz.Promises.require;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidRefused;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraintValidatorException;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.asn1.x509.PKIXNameConstraintValidator;
import org.bouncycastle.cert.CertException;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;

/**
 * What a peer may show as its certificates: refused with a reason, in bounded time, or proving what
 * the rules say, restated here by another library.
 *
 * <p>The input is how many roots there are, and certificates in DER, each behind its length in two
 * bytes: first the roots, which are trusted, then the chain.
 */
public final class CertificateTarget {
  /** When the seeds are valid. */
  private static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");

  private static final TrustDomain DOMAIN = new TrustDomain("site.example");
  private static final int MOST_ROOTS = 3;

  /** Of computing, so that a busy machine counts for nothing. */
  private static final Duration LONGEST = Duration.ofSeconds(10);

  private CertificateTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    WireInput in = new WireInput(input);
    int count = in.number() % (MOST_ROOTS + 1);
    List<byte[]> encoded = new ArrayList<>();
    while (!in.isAtEnd()) {
      encoded.add(in.bytes(in.number() << 8 | in.number()).toByteArray());
    }
    if (encoded.size() < count) {
      return;
    }
    List<X509Certificate> roots;
    try {
      roots = count == 0 ? List.of() : Certificates.parse(encoded.subList(0, count), MOST_ROOTS);
      for (X509Certificate root : roots) {
        root.verify(root.getPublicKey());
      }
    } catch (GeneralSecurityException e) {
      return; // nobody trusts a damaged root: a bundle takes self-signed ones only
    }
    long begin = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    judge(encoded.subList(count, encoded.size()), roots);
    long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - begin;
    require(nanos < LONGEST.toNanos(), "judged for " + Duration.ofNanos(nanos));
  }

  private static void judge(List<byte[]> shown, List<X509Certificate> roots) {
    SvidJudge.Proven proven;
    try {
      proven =
          SvidJudge.of(DOMAIN, roots)
              .prove(
                  Certificates.parse(shown, SvidJudge.LONGEST_SHOWN),
                  Set.of(SvidJudge.Purpose.CLIENT),
                  NOW);
    } catch (SvidRefused e) {
      require(!String.valueOf(e.getMessage()).isBlank(), "refused without a word");
      return;
    }
    try {
      requireTrue(shown, proven, roots);
    } catch (IOException | CertException | OperatorCreationException e) {
      throw new AssertionError("accepted, and another library cannot read it", e);
    } catch (CertificateException | NameConstraintValidatorException e) {
      throw new AssertionError("accepted against a rule", e);
    }
  }

  private static void requireTrue(
      List<byte[]> shown, SvidJudge.Proven proven, List<X509Certificate> roots)
      throws IOException,
          CertException,
          OperatorCreationException,
          CertificateException,
          NameConstraintValidatorException {
    require(roots.contains(proven.root()), "by a root that nobody trusts");
    require(proven.identity().trustDomain().equals(DOMAIN), "of a domain without a bundle");
    List<X509CertificateHolder> path = new ArrayList<>();
    for (byte[] one : shown) {
      require(one.length <= 8_192, "a certificate of " + one.length + " bytes");
      boolean isRoot = false;
      for (X509Certificate root : roots) {
        isRoot |= Arrays.equals(root.getEncoded(), one);
      }
      if (!isRoot || path.isEmpty()) {
        path.add(new X509CertificateHolder(one));
      }
    }
    require(path.size() <= 6, "a chain of " + path.size());
    requireLeaf(path.getFirst(), proven.identity());
    path.add(new X509CertificateHolder(proven.root().getEncoded()));
    for (int i = 0; i < path.size(); i++) {
      X509CertificateHolder one = path.get(i);
      require(
          one.getNotBefore().before(Date.from(NOW.plusSeconds(61)))
              && one.getNotAfter().after(Date.from(NOW.minusSeconds(61))),
          "out of its time: " + one.getSubject());
      if (i > 0) {
        requireIssuer(one, i - 1, path.subList(0, i), proven.identity());
        require(
            path.get(i - 1).isSignatureValid(new JcaContentVerifierProviderBuilder().build(one)),
            "not signed by the next: " + path.get(i - 1).getSubject());
      }
    }
  }

  private static void requireLeaf(X509CertificateHolder leaf, SpiffeId identity) {
    List<GeneralName> uris =
        Arrays.stream(
                GeneralNames.fromExtensions(leaf.getExtensions(), Extension.subjectAlternativeName)
                    .getNames())
            .filter(name -> name.getTagNo() == GeneralName.uniformResourceIdentifier)
            .toList();
    require(
        uris.size() == 1 && uris.getFirst().getName().toString().equals(identity.toString()),
        "it names " + uris + " and proves " + identity);
    BasicConstraints basic = BasicConstraints.fromExtensions(leaf.getExtensions());
    require(basic == null || !basic.isCA(), "a leaf that is an authority");
    KeyUsage usage = KeyUsage.fromExtensions(leaf.getExtensions());
    require(
        usage != null
            && usage.hasUsages(KeyUsage.digitalSignature)
            && !usage.hasUsages(KeyUsage.keyCertSign)
            && !usage.hasUsages(KeyUsage.cRLSign),
        "a leaf whose key may do " + usage);
    ExtendedKeyUsage purposes = ExtendedKeyUsage.fromExtensions(leaf.getExtensions());
    require(
        purposes == null || purposes.hasKeyPurposeId(KeyPurposeId.id_kp_clientAuth),
        "a leaf that is for no client");
    requireOnce(leaf);
  }

  /** As the bytes have it: parsers keep one of two. */
  private static void requireOnce(X509CertificateHolder one) {
    List<ASN1ObjectIdentifier> oids = new ArrayList<>();
    for (var field : ASN1Sequence.getInstance(one.toASN1Structure().getTBSCertificate())) {
      if (field instanceof ASN1TaggedObject tagged && tagged.getTagNo() == 3) {
        for (var extension : ASN1Sequence.getInstance(tagged, true)) {
          oids.add(
              ASN1ObjectIdentifier.getInstance(ASN1Sequence.getInstance(extension).getObjectAt(0)));
        }
      }
    }
    require(oids.stream().distinct().count() == oids.size(), "an extension twice: " + oids);
  }

  private static void requireIssuer(
      X509CertificateHolder issuer,
      int authoritiesBelow,
      List<X509CertificateHolder> below,
      SpiffeId identity)
      throws NameConstraintValidatorException {
    BasicConstraints basic = BasicConstraints.fromExtensions(issuer.getExtensions());
    require(basic != null && basic.isCA(), "signed by no authority: " + issuer.getSubject());
    require(
        basic.getPathLenConstraint() == null
            || basic.getPathLenConstraint().longValue()
                >= below.subList(1, authoritiesBelow + 1).stream()
                    .filter(one -> !one.getSubject().equals(one.getIssuer()))
                    .count(),
        "more authorities than may be below " + issuer.getSubject());
    require(issuer.getSubject().equals(below.getLast().getIssuer()), "names that are not chained");
    Extension bound = issuer.getExtension(Extension.nameConstraints);
    if (bound != null) {
      NameConstraints bounds = NameConstraints.getInstance(bound.getParsedValue());
      PKIXNameConstraintValidator validator = new PKIXNameConstraintValidator();
      if (bounds.getPermittedSubtrees() != null) {
        validator.intersectPermittedSubtree(bounds.getPermittedSubtrees());
      }
      if (bounds.getExcludedSubtrees() != null) {
        for (var subtree : bounds.getExcludedSubtrees()) {
          validator.addExcludedSubtree(subtree);
        }
      }
      GeneralName uri = new GeneralName(GeneralName.uniformResourceIdentifier, identity.toString());
      validator.checkPermitted(uri);
      validator.checkExcluded(uri);
    }
  }
}
