package io.sluice.control.authority.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.ServerTls;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class VaultTlsTest {
  private static final Issuer COMPANY =
      FakeVault.PROFILE.root(SigningKey.P256.generate(), Instant.now(), Duration.ofDays(10));

  @Test
  void trustsTheGivenRootAndNoOther() throws Exception {
    try (FakeVault vault = new FakeVault(ServerTls.certified(COMPANY, "localhost"));
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
    try (FakeVault vault = new FakeVault(ServerTls.certified(COMPANY, "other.example"));
        VaultClient client = client(vault, COMPANY.root())) {
      assertThatExceptionOfType(AuthorityException.class)
          .isThrownBy(() -> client.text("pki/ca_chain"))
          .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.BACKEND_UNREACHABLE));
    }
  }

  private static VaultClient client(FakeVault vault, X509Certificate root) {
    return new VaultClient(vault.address(), List.of(root), Duration.ofSeconds(5));
  }
}
