package io.sluice.control.authority.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;

class VaultTlsTest {
  private static final Issuer COMPANY =
      FakeVault.PROFILE.root(SigningKey.P256, Instant.now(), Duration.ofDays(10));

  @Test
  void trustsTheGivenRootAndNoOther() throws Exception {
    try (FakeVault vault = new FakeVault(certified("localhost"));
        VaultClient client = client(vault, COMPANY.root());
        VaultClient stranger = client(vault, FakeVault.newIssuer().root())) {
      assertThat(client.text("pki/ca_chain")).startsWith("-----BEGIN CERTIFICATE-----");
      assertThatExceptionOfType(AuthorityException.class)
          .isThrownBy(() -> stranger.text("pki/ca_chain"))
          .withMessageContaining("certificate of Vault")
          .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.BACKEND_UNREACHABLE));
    }
  }

  @Test
  void refusesTheCertificateOfAnotherHost() throws Exception {
    try (FakeVault vault = new FakeVault(certified("other.example"));
        VaultClient client = client(vault, COMPANY.root())) {
      assertThatExceptionOfType(AuthorityException.class)
          .isThrownBy(() -> client.text("pki/ca_chain"))
          .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.BACKEND_UNREACHABLE));
    }
  }

  private static VaultClient client(FakeVault vault, X509Certificate root) {
    return new VaultClient(vault.address(), List.of(root), Duration.ofSeconds(5));
  }

  private static SSLContext certified(String host) throws Exception {
    KeyPair pair = SigningKey.P256.generate();
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            X500Name.getInstance(COMPANY.certificate().getSubjectX500Principal().getEncoded()),
            BigInteger.ONE,
            Date.from(Instant.now().minusSeconds(60)),
            Date.from(Instant.now().plusSeconds(3600)),
            new X500Name("CN=vault"),
            pair.getPublic());
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(new GeneralName(GeneralName.dNSName, host)));
    X509Certificate certificate =
        new JcaX509CertificateConverter()
            .getCertificate(
                builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(COMPANY.key())));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("vault", pair.getPrivate(), new char[0], new Certificate[] {certificate});
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    return context;
  }
}
