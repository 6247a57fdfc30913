package io.sluice.control.authority.svid;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.control.authority.OpenSsl;
import io.sluice.control.authority.Requests;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SvidProfileTest {
  private static final TrustDomain SITE = new TrustDomain("site.example");
  private static final SvidProfile PROFILE = new SvidProfile(SITE, true, true);
  private static final Duration YEAR = Duration.ofDays(365);
  private static final Duration DAY = Duration.ofDays(1);
  private static final String NAME_CONSTRAINTS = "2.5.29.30";

  private final Instant now = Instant.now();

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({
    "P256,secp256r1,2",
    "P256,RSA-2048,2",
    "P384,secp384r1,2",
    "ED25519,Ed25519,1",
    "P256,Ed25519,1"
  })
  void leavesFollowTheRulesAndOpenSslAgrees(SigningKey kind, String key, int usages)
      throws Exception {
    Issuer signer = signer(PROFILE, kind);
    X509Certificate leaf = leaf(PROFILE, signer, Requests.STORE, key);

    assertThat(leaf.getSubjectAlternativeNames())
        .containsExactlyInAnyOrder(
            List.of(6, "spiffe://site.example/ns/shop/sa/store"),
            List.of(2, "store.shop.site.example"));
    assertThat(leaf.getBasicConstraints()).isEqualTo(-1);
    assertThat(leaf.getExtendedKeyUsage())
        .containsExactlyInAnyOrder("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
    assertThat(leaf.getCriticalExtensionOIDs())
        .containsExactlyInAnyOrder("2.5.29.15", "2.5.29.17", "2.5.29.19");
    assertThat(leaf.getNonCriticalExtensionOIDs())
        .containsExactlyInAnyOrder("2.5.29.14", "2.5.29.35", "2.5.29.37");
    assertThat(leaf.getKeyUsage()[0]).isTrue();
    assertThat(leaf.getKeyUsage()[2]).isEqualTo(key.startsWith("RSA"));
    assertThat(leaf.getKeyUsage()[4]).isEqualTo(key.startsWith("secp"));
    assertThat(countSet(leaf.getKeyUsage())).isEqualTo(usages);
    assertThat(leaf.getSubjectX500Principal().getName()).isEmpty();
    assertThat(leaf.getSerialNumber().bitLength()).isBetween(64, 128);
    assertThat(leaf.getNotBefore().toInstant())
        .isEqualTo(now.minus(SvidProfile.CLOCK_SKEW).truncatedTo(ChronoUnit.SECONDS));
    assertThat(leaf.getNotAfter().toInstant())
        .isEqualTo(now.plus(DAY).truncatedTo(ChronoUnit.SECONDS));
    OpenSsl.Answer verified = verify(signer, leaf);
    assertThat(verified.ok()).as(verified.text()).isTrue();
    String text = OpenSsl.run(directory, "x509", "-in", "leaf.pem", "-noout", "-text").text();
    assertThat(text)
        .containsPattern("Subject: *\\n")
        .containsPattern("Basic Constraints: critical\\s+CA:FALSE")
        .containsPattern("Extended Key Usage: *\\s+TLS Web Server Authentication, TLS Web Client")
        .containsPattern(
            "Alternative Name: critical\\s+URI:spiffe://site.example/ns/shop/sa/store");
  }

  @ParameterizedTest
  @EnumSource
  void authoritiesMaySignAndNothingElse(SigningKey kind) throws Exception {
    Issuer signer = signer(PROFILE, kind);

    for (X509Certificate authority : signer.chain()) {
      boolean[] usage = authority.getKeyUsage();
      assertThat(usage[5]).isTrue();
      assertThat(usage[6]).isTrue();
      assertThat(countSet(usage)).isEqualTo(2);
      assertThat(authority.getExtendedKeyUsage()).isNull();
      assertThat(authority.getSubjectAlternativeNames())
          .containsExactly(List.of(6, "spiffe://site.example"));
      assertThat(authority.getCriticalExtensionOIDs()).contains("2.5.29.15", "2.5.29.19");
    }
    assertThat(signer.certificate().getBasicConstraints()).isZero();
    assertThat(signer.root().getBasicConstraints()).isEqualTo(1);
    assertThat(signer.certificate().getCriticalExtensionOIDs()).contains(NAME_CONSTRAINTS);
    assertThat(signer.root().getCriticalExtensionOIDs()).doesNotContain(NAME_CONSTRAINTS);
  }

  @Test
  void keyIdentifiersLinkTheChain() {
    Issuer signer = signer(PROFILE, SigningKey.P256);
    X509Certificate leaf = leaf(PROFILE, signer, Requests.STORE, "secp256r1");

    assertThat(authorityKeyId(leaf)).isEqualTo(subjectKeyId(signer.certificate()));
    assertThat(authorityKeyId(signer.certificate())).isEqualTo(subjectKeyId(signer.root()));
    assertThat(authorityKeyId(signer.root())).isEqualTo(subjectKeyId(signer.root()));
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://other.example/ns/shop/sa/store",
        "spiffe://sub.site.example/ns/shop/sa/store",
        "spiffe://example/ns/shop/sa/store"
      })
  void aStolenIntermediateSignsNoOtherTrustDomain(String identity) throws Exception {
    Issuer signer = signer(new SvidProfile(SITE, false, true), SigningKey.P256);
    SpiffeId foreign = SpiffeId.parse(identity);
    SvidProfile thief = new SvidProfile(foreign.trustDomain(), false, true);
    X509Certificate leaf = leaf(thief, signer, foreign, "secp256r1");

    assertThat(violation(signer, leaf, foreign)).contains("name constraints");
    assertThat(verify(signer, leaf).text()).contains("permitted subtree violation");

    Attack.tried("a stolen intermediate signs " + identity)
        .refusedBy("name constraints, judged by Java and by OpenSSL")
        .countedAs("Java: \"name constraints\", OpenSSL: \"permitted subtree violation\"");
  }

  @Test
  void withoutTheConstraintItWouldHave() throws Exception {
    Issuer signer = signer(new SvidProfile(SITE, false, false), SigningKey.P256);
    SpiffeId foreign = SpiffeId.parse("spiffe://other.example/ns/shop/sa/store");
    X509Certificate leaf =
        leaf(new SvidProfile(foreign.trustDomain(), false, false), signer, foreign, "secp256r1");

    assertThat(signer.certificate().getExtensionValue(NAME_CONSTRAINTS)).isNull();
    assertThat(violation(signer, leaf, foreign)).isEmpty();
    assertThat(verify(signer, leaf).ok()).isTrue();
  }

  /** The JDK cannot read a URI constraint on these, or fails on the leaf's host. */
  @ParameterizedTest
  @CsvSource({"my_mesh.example,false", "10.1,false", "a..b,false", "mesh,true", "1a.site,true"})
  void trustDomainsThatAreNoHostNamesAreLeftUnbound(String domain, boolean bound) throws Exception {
    SvidProfile profile = new SvidProfile(new TrustDomain(domain), true, true);
    SpiffeId identity = new SpiffeId(profile.trustDomain(), "shop", "store");
    Issuer signer = signer(profile, SigningKey.P256);
    X509Certificate leaf = leaf(profile, signer, identity, "secp256r1");

    assertThat(signer.certificate().getExtensionValue(NAME_CONSTRAINTS) != null).isEqualTo(bound);
    assertThat(violation(signer, leaf, identity)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a--", "a..b", "-a", ".a"})
  void accountsWithoutAValidDnsNameGetNone(String account) throws Exception {
    SpiffeId identity = new SpiffeId(SITE, "shop", account);
    Issuer signer = signer(PROFILE, SigningKey.P256);
    X509Certificate leaf = leaf(PROFILE, signer, identity, "secp256r1");

    assertThat(leaf.getSubjectAlternativeNames()).hasSize(1);
    assertThat(violation(signer, leaf, identity)).isEmpty();
  }

  @Test
  void noLeafOutlivesItsIssuer() {
    Issuer root = PROFILE.root(SigningKey.P256.generate(), now, YEAR);
    Issuer signer =
        PROFILE.intermediate(root, SigningKey.P256.generate(), now, Duration.ofHours(1));
    X509Certificate leaf = leaf(PROFILE, signer, Requests.STORE, "secp256r1");

    assertThat(leaf.getNotAfter()).isEqualTo(signer.certificate().getNotAfter());
    assertThat(
            PROFILE
                .intermediate(root, SigningKey.P256.generate(), now, YEAR.multipliedBy(2))
                .notAfter())
        .isEqualTo(root.notAfter());
  }

  private Issuer signer(SvidProfile profile, SigningKey kind) {
    Issuer root = profile.root(kind.generate(), now, YEAR.multipliedBy(10));
    return profile.intermediate(root, kind.generate(), now, YEAR);
  }

  private X509Certificate leaf(SvidProfile profile, Issuer signer, SpiffeId identity, String key) {
    try {
      return profile.leaf(signer, identity, Requests.keyPair(key).getPublic(), now, DAY);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private String violation(Issuer signer, X509Certificate leaf, SpiffeId identity) {
    List<X509Certificate> chain = new ArrayList<>(List.of(leaf));
    chain.addAll(signer.intermediates());
    return SvidRules.violation(
            chain,
            new SvidRules.Expectation(identity, leaf.getPublicKey(), DAY, List.of(signer.root())),
            now)
        .orElse("");
  }

  private OpenSsl.Answer verify(Issuer signer, X509Certificate leaf) throws Exception {
    Files.writeString(
        directory.resolve("root.pem"), new Pem(List.of(signer.root()), List.of()).text());
    Files.writeString(
        directory.resolve("between.pem"), new Pem(signer.intermediates(), List.of()).text());
    Files.writeString(directory.resolve("leaf.pem"), new Pem(List.of(leaf), List.of()).text());
    return OpenSsl.run(
        directory,
        "verify -x509_strict -purpose sslserver -CAfile root.pem -untrusted between.pem leaf.pem");
  }

  private static int countSet(boolean[] bits) {
    int set = 0;
    for (boolean bit : bits) {
      set += bit ? 1 : 0;
    }
    return set;
  }

  /** The last 20 bytes of either extension are the SHA-1 of the key. */
  private static byte[] subjectKeyId(X509Certificate certificate) {
    return lastBytes(certificate.getExtensionValue("2.5.29.14"));
  }

  private static byte[] authorityKeyId(X509Certificate certificate) {
    return lastBytes(certificate.getExtensionValue("2.5.29.35"));
  }

  private static byte[] lastBytes(byte[] value) {
    return Arrays.copyOfRange(value, value.length - 20, value.length);
  }
}
