package io.sluice.control.authority.svid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.control.authority.Requests;
import io.sluice.mesh.TrustDomain;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is asked of an answer besides; what any chain has to be, {@code SvidJudgeTest} holds. */
class SvidRulesTest {
  private static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");
  private static final SvidProfile PROFILE =
      new SvidProfile(new TrustDomain("site.example"), false, false);
  private static final Issuer ROOT =
      PROFILE.root(SigningKey.P256.generate(), NOW, Duration.ofDays(3650));
  private static final Issuer SIGNER =
      PROFILE.intermediate(ROOT, SigningKey.P256.generate(), NOW, Duration.ofDays(365));
  private static final Issuer STRANGER =
      PROFILE.root(SigningKey.P256.generate(), NOW, Duration.ofDays(3650));
  private static final Duration HOUR = Duration.ofHours(1);

  /** A leaf as it should be, until a test spoils one thing. */
  private static final class Draft {
    private final KeyPair key = SigningKey.P256.generate();
    private KeyPair certified = key;
    private Issuer issuer = SIGNER;
    private BigInteger serial = BigInteger.valueOf(4711);
    private Instant notBefore = NOW.minus(Duration.ofMinutes(5));
    private Instant notAfter = NOW.plus(HOUR);
    private boolean usageIsCritical = true;
    private KeyPurposeId[] purposes = {
      KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth
    };
    private GeneralName[] names = {uri("spiffe://site.example/ns/shop/sa/store")};

    private X509Certificate certificate() throws Exception {
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              X500Name.getInstance(issuer.certificate().getSubjectX500Principal().getEncoded()),
              serial,
              Date.from(notBefore),
              Date.from(notAfter),
              new X500Name(""),
              certified.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(
          Extension.keyUsage, usageIsCritical, new KeyUsage(KeyUsage.digitalSignature));
      if (purposes.length > 0) {
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes));
      }
      builder.addExtension(Extension.subjectAlternativeName, true, new GeneralNames(names));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(issuer.key())));
    }
  }

  private static GeneralName uri(String name) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, name);
  }

  private static Arguments spoilt(String part, Consumer<Draft> change) {
    return arguments(part, change);
  }

  private static Stream<Arguments> brokenRules() {
    return Stream.of(
        spoilt(
            "instead of spiffe://site.example/ns/shop/sa/store",
            draft -> draft.names = new GeneralName[] {uri("spiffe://site.example/ns/a/sa/b")}),
        spoilt(
            "not asked for",
            draft ->
                draft.names =
                    new GeneralName[] {
                      draft.names[0], new GeneralName(GeneralName.dNSName, "bank.example")
                    }),
        spoilt(
            "not asked for",
            draft ->
                draft.names =
                    new GeneralName[] {
                      draft.names[0], new GeneralName(GeneralName.iPAddress, "10.0.0.1")
                    }),
        spoilt("no critical key usage", draft -> draft.usageIsCritical = false),
        spoilt("server and client", draft -> draft.purposes = new KeyPurposeId[0]),
        spoilt(
            "not for a CLIENT",
            draft -> draft.purposes = new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth}),
        spoilt("another key", draft -> draft.certified = SigningKey.P256.generate()),
        spoilt("serial", draft -> draft.serial = BigInteger.ZERO),
        spoilt("serial", draft -> draft.serial = BigInteger.TWO.pow(160)),
        spoilt("longer than asked", draft -> draft.notAfter = NOW.plus(Duration.ofMinutes(66))),
        spoilt("no trusted root", draft -> draft.issuer = STRANGER));
  }

  @ParameterizedTest
  @MethodSource("brokenRules")
  void oneBrokenRuleIsNamed(String part, Consumer<Draft> change) throws Exception {
    Draft draft = new Draft();
    change.accept(draft);

    assertThat(violation(draft, SIGNER.intermediates())).contains(part);
  }

  @Test
  void aProperLeafBreaksNone() throws Exception {
    assertThat(violation(new Draft(), SIGNER.intermediates())).isEmpty();
  }

  private static String violation(Draft draft, List<X509Certificate> issuers) throws Exception {
    List<X509Certificate> chain = new ArrayList<>(List.of(draft.certificate()));
    chain.addAll(issuers);
    return SvidRules.violation(
            chain,
            new SvidRules.Expectation(
                Requests.STORE, draft.key.getPublic(), HOUR, List.of(ROOT.root())),
            NOW)
        .orElse("");
  }
}
