package io.sluice.control.authority.builtin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.OpenSsl;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Pem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code openssl} makes of leaves of the built-in authority. */
class OpenSslVerdictTest {
  @TempDir private Path home;
  @TempDir private Path files;

  @BeforeEach
  void issue() throws Exception {
    Site site = Site.in(home);
    site.clock().set(Instant.now());
    try (BuiltInAuthority authority = site.open()) {
      IssuedCertificate issued = authority.sign(Requests.of(Duration.ofHours(1)));
      write("leaf.pem", issued.leaf());
      write("between.pem", issued.chain().get(1));
      write("root.pem", authority.trustBundle().roots().getFirst());
    }
  }

  private void write(String name, X509Certificate certificate) throws Exception {
    Files.writeString(files.resolve(name), new Pem(List.of(certificate), List.of()).text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sslclient", "sslserver"})
  void verifiesStrictlyForBothSidesOfAConnection(String purpose) throws Exception {
    OpenSsl.Answer answer =
        OpenSsl.run(
            files,
            "verify -x509_strict -purpose %s -CAfile root.pem -untrusted between.pem leaf.pem"
                .formatted(purpose));

    assertThat(answer.text()).contains("leaf.pem: OK");
    assertThat(answer.ok()).isTrue();
  }

  @Test
  void readsTheIdentityAndTheLimitsOfALeaf() throws Exception {
    String text = OpenSsl.run(files, "x509", "-in", "leaf.pem", "-noout", "-text").text();

    assertThat(text)
        .containsIgnoringWhitespaces(
            "X509v3 Subject Alternative Name: critical URI:" + Requests.STORE,
            "X509v3 Basic Constraints: critical CA:FALSE",
            "X509v3 Key Usage: critical Digital Signature",
            "TLS Web Server Authentication, TLS Web Client Authentication");
  }
}
