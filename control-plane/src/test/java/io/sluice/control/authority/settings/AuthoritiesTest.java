package io.sluice.control.authority.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.certmanager.CertManagerSettings.IssuerRef;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.token.TokenSettings;
import io.sluice.control.authority.vault.VaultLogin;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.mesh.TrustDomain;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuthoritiesTest {
  private static final TrustDomain SITE = new TrustDomain("site.example");
  private static final InstantSource CLOCK = InstantSource.system();

  @TempDir private Path home;

  @Test
  void theUsualOneSignsAndKeepsKeysAndJournalBelowOneDirectory() throws Exception {
    AuthoritySettings settings = AuthoritySettings.builtIn(SITE, home.resolve("authority"));
    try (CertificateAuthority authority = Authorities.open(settings, CLOCK)) {
      IssuedCertificate issued = authority.sign(Requests.of(Duration.ofHours(1)));

      assertThat(issued.leaf().getSigAlgName()).isEqualTo("SHA256withECDSA");
      assertThat(authority.health().condition()).isEqualTo(Condition.READY);
    }
    assertThat(home.resolve("authority/keys/state.json")).isNotEmptyFile();
    assertThat(home.resolve("authority/journal/issued.jsonl")).isNotEmptyFile();
  }

  @Test
  void theOneBroughtAlongSigns() throws Exception {
    Issuer company =
        new SvidProfile(SITE, false, false)
            .root(SigningKey.P384.generate(), Instant.now(), Duration.ofDays(100));
    Path certificate = home.resolve("ca.crt");
    Path key = home.resolve("private.key");
    Files.writeString(certificate, new Pem(company.chain(), List.of()).text());
    Files.createFile(
        key, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(key, new Pem(List.of(), List.of(company.key())).text());
    try (CertificateAuthority authority =
        open(new AuthoritySettings.Imported(certificate, key, SigningKey.P256))) {
      assertThat(authority.trustBundle().roots()).containsExactly(company.root());
    }
  }

  @Test
  void filesOfTheVaultConnectionAreReadAtOnce() {
    Path missing = home.resolve("vault-ca.pem");

    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> open(vault("https://vault.example:8200", "pki", missing)))
        .withMessageContaining(missing.toString());
  }

  @Test
  void vaultIsNotAskedBeforeItIsNeeded() {
    try (CertificateAuthority authority = open(vault("https://localhost:1", "pki", null))) {
      assertThat(authority.health().condition()).isEqualTo(Condition.UNAVAILABLE);
    }
  }

  @Test
  void aKubeconfigOrTokenThatIsNotThereIsNamedAtOnce() {
    Path missing = home.resolve("missing");

    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() ->
            open(
                new AuthoritySettings.CertManager(
                    new KubernetesAccess.Kubeconfig(missing),
                    "sluice-system",
                    IssuerRef.DEFAULT,
                    null)))
        .withMessageContaining(missing.toString());
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() ->
            open(
                new AuthoritySettings.Token(
                    new TokenSettings(missing, new TokenSettings.SlotIndex(0), missing, "sluice"),
                    SigningKey.P256)))
        .withMessageContaining(missing.toString());
  }

  @Test
  void namesThatCannotBeInAClusterOrTokenAreRefused() {
    Path file = home.resolve("file");
    TokenSettings.SlotIndex slot = new TokenSettings.SlotIndex(0);

    assertThatIllegalArgumentException().isThrownBy(() -> new IssuerRef("a/b", "Issuer", "x.io"));
    assertThatIllegalArgumentException().isThrownBy(() -> new IssuerRef("a", "issuer", "x.io"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenSettings(file, slot, file, "two\nlines"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenSettings(Path.of("lib.so\nslot = 1"), slot, file, "sluice"));
  }

  @Test
  void addressesAndPathsThatCannotBeAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(vault("ftp://vault.example", "pki", null)))
        .withMessageContaining("ftp://vault.example");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(vault("https://vault.example", "pki/../sys", null)))
        .withMessageContaining("pki/../sys");
  }

  private static AuthoritySettings.Vault vault(
      String address, String mount, @Nullable Path serverRoots) {
    return new AuthoritySettings.Vault(
        URI.create(address),
        mount,
        "workload",
        new VaultLogin.TokenFile(Path.of("/nonexistent/token")),
        serverRoots,
        null);
  }

  private CertificateAuthority open(AuthoritySettings.Source source) {
    AuthoritySettings settings =
        new AuthoritySettings(
            new SvidProfile(SITE, false, true),
            home.resolve("authority"),
            Duration.ofHours(24),
            Duration.ofDays(1),
            source);
    return Authorities.open(settings, CLOCK);
  }
}
