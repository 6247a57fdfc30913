package io.sluice.control.authority.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.settings.AuthoritySettings.BuiltIn;
import io.sluice.control.authority.settings.AuthoritySettings.Imported;
import io.sluice.control.authority.settings.AuthoritySettings.Vault;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.vault.VaultLogin;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuthorityFileTest {
  private static final TrustDomain SITE = new TrustDomain("site.example");
  private static final Duration LONGEST = Duration.ofDays(3);

  @TempDir private Path home;

  private AuthoritySettings read(String text) throws IOException {
    Path file = Files.writeString(home.resolve("authority.yaml"), text);
    return AuthorityFile.read(file, SITE, home.resolve("state"), LONGEST);
  }

  @Test
  void emptySectionIsTheUsualBuiltInAuthority() throws Exception {
    AuthoritySettings usual = AuthoritySettings.builtIn(SITE, home.resolve("state"));

    assertThat(read("builtIn: {}"))
        .isEqualTo(
            new AuthoritySettings(
                usual.profile(),
                usual.directory(),
                LONGEST,
                usual.distributeFor(),
                usual.source()));
  }

  @Test
  void everySettingIsRead() throws Exception {
    AuthoritySettings read =
        read(
            """
            distributeFor: 2h
            signingKey: P384
            dnsNames: true
            nameConstraints: false
            builtIn: {}
            """);

    assertThat(read.distributeFor()).isEqualTo(Duration.ofHours(2));
    assertThat(read.source()).isEqualTo(new BuiltIn(SigningKey.P384));
    assertThat(read.profile().dnsNames()).isTrue();
    assertThat(read.profile().nameConstraints()).isFalse();
  }

  @Test
  void otherAuthoritiesAreRead() throws Exception {
    assertThat(read("imported: {certificate: /ca.crt, privateKey: /private.key}").source())
        .isEqualTo(new Imported(Path.of("/ca.crt"), Path.of("/private.key"), SigningKey.P256));
    assertThat(
            read("""
            vault:
              address: https://vault.example:8200
              mount: pki
              role: sluice
              kubernetes: {mount: kubernetes, role: mesh, serviceAccountToken: /token}
              trustedRoots: /roots.pem
            """)
                .source())
        .isEqualTo(
            new Vault(
                URI.create("https://vault.example:8200"),
                "pki",
                "sluice",
                new VaultLogin.Kubernetes("kubernetes", "mesh", Path.of("/token")),
                null,
                Path.of("/roots.pem")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "builtin: {} | builtin: no authority has this setting",
        "{} | there has to be exactly one of [builtIn, imported, vault]",
        "{builtIn: {}, imported: {}} | exactly one of",
        "{builtIn: {}, distributeFor: 1 day} | no duration such as",
        "{builtIn: {}, signingKey: RSA} | signingKey",
        "imported: {certificate: /ca.crt} | imported.privateKey: the field is missing",
        "imported: {certificate: /c, privateKey: /k, password: x} | imported.password",
        "vault: {address: 'https://v:1', mount: p, role: r} | tokenFile or kubernetes",
        "- builtIn | it is not one mapping",
        "'builtIn: [' | authority.yaml"
      })
  void mistakesStopTheStartWithTheirPlace(String text, String told) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(AuthorityException.class)
        .hasMessageContaining(home.resolve("authority.yaml").toString())
        .hasMessageContaining(told);
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> AuthorityFile.read(home.resolve("no.yaml"), SITE, home, LONGEST))
        .isInstanceOf(AuthorityException.class)
        .hasMessageContaining("no.yaml");
  }
}
