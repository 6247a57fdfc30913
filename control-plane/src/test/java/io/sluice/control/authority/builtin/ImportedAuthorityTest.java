package io.sluice.control.authority.builtin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.OpenSsl;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.RotationPhase.Distributing;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Authorities that the {@code openssl} command made, as people bring them along. */
class ImportedAuthorityTest {
  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir private Path home;
  @TempDir private Path brought;
  private Site site;

  @BeforeEach
  void prepare() {
    site = Site.in(home);
    site.clock().set(Instant.now());
  }

  /** With {@code -traditional} OpenSSL writes PKCS#1 or SEC 1, without it PKCS#8. */
  @ParameterizedTest
  @CsvSource({
    "rsa:2048,false",
    "rsa:2048,true",
    "EC:prime256v1,false",
    "EC:prime256v1,true",
    "ed25519,false"
  })
  void aRootOfAnyUsualFormSignsThroughAnIntermediateOfOurs(String key, boolean traditional)
      throws Exception {
    makeRoot(key, "CA:TRUE");
    if (traditional) {
      String type = key.startsWith("rsa") ? "rsa" : "ec";
      openssl("pkey", "-in", "private.key", "-traditional", "-out", "traditional.key");
      Files.move(
          brought.resolve("traditional.key"),
          brought.resolve("private.key"),
          StandardCopyOption.REPLACE_EXISTING);
      assertThat(Files.readString(brought.resolve("private.key")))
          .contains(type.toUpperCase(Locale.ROOT) + " PRIVATE KEY");
      chmod("private.key", "rw-r-----");
    }
    try (BuiltInAuthority authority = site.open(Optional.of(read()))) {
      IssuedCertificate issued = authority.sign(Requests.of(HOUR));

      assertThat(issued.chain()).hasSize(2);
      assertThat(authority.trustBundle().roots()).containsExactly(read().root());
      assertThat(Peers.accept(issued, authority.trustBundle(), Instant.now())).isTrue();
      Files.writeString(brought.resolve("leaf.pem"), text(issued, 0));
      Files.writeString(brought.resolve("between.pem"), text(issued, 1));
      assertThat(openssl("verify", "-CAfile", "ca.crt", "-untrusted", "between.pem", "leaf.pem"))
          .contains("leaf.pem: OK");
    }
  }

  @Test
  void anIntermediateSignsLeavesItselfWhenItMayNotHaveOthersBelow() throws Exception {
    makeRoot("EC:prime256v1", "CA:TRUE");
    Files.move(brought.resolve("ca.crt"), brought.resolve("root.crt"));
    Files.move(brought.resolve("private.key"), brought.resolve("root.key"));
    openssl(
        "req -x509 -newkey EC -pkeyopt ec_paramgen_curve:prime256v1 -nodes -CA root.crt "
            + "-CAkey root.key -days 100 -keyout private.key -out between.crt "
            + "-addext keyUsage=critical,keyCertSign "
            + "-addext basicConstraints=critical,CA:TRUE,pathlen:0",
        "-subj",
        "/CN=Company intermediate");
    Files.writeString(
        brought.resolve("ca.crt"),
        Files.readString(brought.resolve("between.crt"))
            + Files.readString(brought.resolve("root.crt")));
    try (BuiltInAuthority authority = site.open(Optional.of(read()))) {
      IssuedCertificate issued = authority.sign(Requests.of(HOUR));

      assertThat(issued.chain()).hasSize(2);
      assertThat(issued.chain().getLast().getSubjectX500Principal().getName())
          .isEqualTo("CN=Company intermediate");
      assertThat(authority.trustBundle().roots().getFirst().getSubjectX500Principal().getName())
          .isEqualTo("CN=Company root");
      assertThat(Peers.accept(issued, authority.trustBundle(), Instant.now())).isTrue();
    }
  }

  @Test
  void anotherRootInTheSettingsBeginsARotation() throws Exception {
    site.open().close();
    makeRoot("EC:prime256v1", "CA:TRUE");
    for (int start = 0; start < 2; start++) {
      try (BuiltInAuthority authority = site.open(Optional.of(read()))) {
        assertThat(authority.rotation())
            .isInstanceOfSatisfying(
                Distributing.class, phase -> assertThat(phase.next()).isEqualTo(read().id()));
        assertThat(authority.trustBundle().generation()).isEqualTo(2);
      }
    }
  }

  @Test
  void anAuthorityBoundToOtherNamesIsFoundOutBeforeItIsKept() throws Exception {
    makeBoundRoot("elsewhere.example");

    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> site.open(Optional.of(read())))
        .withMessageContaining("would be refused")
        .withMessageContaining("name constraints");
    makeBoundRoot("site.example");
    site.open(Optional.of(read())).close();
  }

  private void makeBoundRoot(String domain) throws Exception {
    openssl(
        "req -x509 -newkey EC -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 100 "
            + "-keyout private.key -out ca.crt -addext keyUsage=critical,keyCertSign "
            + "-addext nameConstraints=critical,permitted;URI:"
            + domain,
        "-subj",
        "/CN=Bound root");
  }

  @Test
  void saysWhatIsWrongWithTheFiles() throws Exception {
    refuses("ca.crt: it cannot be read");
    makeRoot("EC:prime256v1", "CA:TRUE");
    chmod("private.key", "rw-r--r--");
    refuses("private.key: everybody on this machine can read");
    chmod("private.key", "rw-------");
    openssl("ec", "-in", "private.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key");
    String key = Files.readString(brought.resolve("private.key"));
    Files.writeString(
        brought.resolve("private.key"), Files.readString(brought.resolve("locked.key")));
    refuses("private.key: the private key has a pass phrase");
    Files.writeString(brought.resolve("private.key"), "");
    refuses("private.key: there are 0 private keys");
    openssl("genpkey", "-algorithm", "ed25519", "-out", "private.key");
    refuses("the private key does not belong to the first certificate");
    Files.writeString(brought.resolve("private.key"), key);
    Files.writeString(brought.resolve("ca.crt"), "no certificate");
    refuses("ca.crt: there is no certificate in it");
    makeRoot("EC:prime256v1", "CA:FALSE");
    refuses("may not sign");
    makeRoot("rsa:1024", "CA:TRUE");
    refuses("an RSA key of less than 2048 bits");
  }

  private void refuses(String message) {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(this::read)
        .withMessageContaining(message);
  }

  private Issuer read() {
    return ImportedAuthority.read(brought.resolve("ca.crt"), brought.resolve("private.key"));
  }

  private void makeRoot(String key, String basicConstraints) throws Exception {
    Files.deleteIfExists(brought.resolve("private.key"));
    if (key.startsWith("EC:")) {
      openssl(
          "genpkey -algorithm EC -out private.key -pkeyopt ec_paramgen_curve:" + key.substring(3));
    } else if (key.startsWith("rsa:")) {
      openssl(
          "genpkey -algorithm RSA -out private.key -pkeyopt rsa_keygen_bits:" + key.substring(4));
    } else {
      openssl("genpkey", "-algorithm", key, "-out", "private.key");
    }
    openssl(
        "req -x509 -key private.key -days 3650 -out ca.crt "
            + "-addext keyUsage=critical,keyCertSign -addext basicConstraints=critical,"
            + basicConstraints,
        "-subj",
        "/CN=Company root");
    chmod("private.key", "rw-r-----");
    site.clock().set(Instant.now().plusSeconds(1)); // openssl goes by the machine's clock
  }

  private String openssl(String words, String... whole) throws Exception {
    OpenSsl.Answer answer = OpenSsl.run(brought, words, whole);
    assertThat(answer.ok()).as(answer.text()).isTrue();
    return answer.text();
  }

  private void chmod(String file, String mode) throws Exception {
    Files.setPosixFilePermissions(brought.resolve(file), PosixFilePermissions.fromString(mode));
  }

  private static String text(IssuedCertificate issued, int index) {
    return new Pem(List.of(issued.chain().get(index)), List.of()).text();
  }
}
