package io.sluice.control.authority.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.certmanager.CertManagerSettings.IssuerRef;
import io.sluice.control.authority.settings.AuthoritySettings.BuiltIn;
import io.sluice.control.authority.settings.AuthoritySettings.CertManager;
import io.sluice.control.authority.settings.AuthoritySettings.Imported;
import io.sluice.control.authority.settings.AuthoritySettings.Token;
import io.sluice.control.authority.settings.AuthoritySettings.Vault;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.token.TokenSettings;
import io.sluice.control.authority.token.TokenSettings.SlotId;
import io.sluice.control.authority.token.TokenSettings.SlotIndex;
import io.sluice.control.authority.vault.VaultLogin;
import io.sluice.control.kubernetes.KubernetesAccess;
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

  @Test
  void certManagerIsReadWithTheIssuerOfOpenServiceMeshUnlessItSaysAnother() throws Exception {
    assertThat(read("certManager: {namespace: osm-system}").source())
        .isEqualTo(
            new CertManager(KubernetesAccess.IN_CLUSTER, "osm-system", IssuerRef.DEFAULT, null));
    assertThat(
            read("""
            certManager:
              namespace: mesh
              issuer: {name: site-ca, kind: ClusterIssuer, group: issuers.example}
              kubeconfig: /kubeconfig
              trustedRoots: /roots.pem
            """)
                .source())
        .isEqualTo(
            new CertManager(
                new KubernetesAccess.Kubeconfig(Path.of("/kubeconfig")),
                "mesh",
                new IssuerRef("site-ca", "ClusterIssuer", "issuers.example"),
                Path.of("/roots.pem")));
  }

  @ParameterizedTest
  @CsvSource({"slot,1889456741", "slotIndex,0"})
  void tokenIsReadByEitherWayToNameItsSlot(String field, int number) throws Exception {
    AuthoritySettings read =
        read(
            """
            signingKey: P384
            pkcs11: {library: /usr/lib/token.so, %s: %d, pinFile: /pin, label: sluice}
            """
                .formatted(field, number));

    TokenSettings.Slot slot = field.equals("slot") ? new SlotId(number) : new SlotIndex(number);
    assertThat(read.source())
        .isEqualTo(
            new Token(
                new TokenSettings(Path.of("/usr/lib/token.so"), slot, Path.of("/pin"), "sluice"),
                SigningKey.P384));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "builtin: {} | builtin: no authority has this setting",
        "{} | there has to be exactly one of [builtIn, certManager, imported, pkcs11, vault]",
        "{builtIn: {}, imported: {}} | exactly one of",
        "{builtIn: {}, distributeFor: 1 day} | no duration such as",
        "{builtIn: {}, signingKey: RSA} | signingKey",
        "imported: {certificate: /ca.crt} | imported.privateKey: the field is missing",
        "imported: {certificate: /c, privateKey: /k, password: x} | imported.password",
        "vault: {address: 'https://v:1', mount: p, role: r} | tokenFile or kubernetes",
        "builtIn: {label: x} | builtIn.label: this authority has no such setting",
        "certManager: {} | certManager.namespace: the field is missing",
        "certManager: {namespace: Mesh} | 'Mesh' cannot be a namespace",
        "certManager: {namespace: m, issuer: {name: a/b}} | 'a/b' of group 'cert-manager.io'",
        "certManager: {namespace: m, issuer: {kind: issuer}} | 'issuer' cannot be the kind",
        "certManager: {namespace: m, issuer: {nam: x}} | certManager.issuer.nam: this authority",
        "certManager: {namespace: m, token: x} | certManager.token: this authority",
        "{dnsNames: true, certManager: {namespace: m}} | dnsNames: cert-manager signs no",
        "pkcs11: {library: /l, pinFile: /p, label: s} | there has to be slot or slotIndex",
        "pkcs11: {library: /l, slot: 1, slotIndex: 1, pinFile: /p, label: s} | slot or slotIndex",
        "pkcs11: {library: /l, slot: '1', pinFile: /p, label: s} | write a slot's number from 0",
        "pkcs11: {library: /l, slot: -1, pinFile: /p, label: s} | -1 is outside 0..2147483647",
        "pkcs11: {library: /l, slot: 4294967296, pinFile: /p, label: s} | 4294967296 is outside",
        "pkcs11: {library: l, slot: 1, pinFile: /p, label: s} | 'l' cannot be the path",
        "pkcs11: {library: /l, slot: 1, pinFile: /p, label: a b} | 'a b' cannot be the label",
        "pkcs11: {library: /l, slot: 1, pinFile: /p} | pkcs11.label: the field is missing",
        "pkcs11: {library: /l, slot: 1, pinFile: /p, label: s, pin: 1234} | pkcs11.pin: this",
        "{signingKey: ED25519, pkcs11: {library: /l, slot: 1, pinFile: /p, label: s}} | no key of",
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
