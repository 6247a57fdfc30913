package io.sluice.control.authority.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.AuthorityHealth.Condition;
import io.sluice.control.authority.IssuedCertificate;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.TestClock;
import io.sluice.control.authority.builtin.BuiltInAuthority;
import io.sluice.control.authority.builtin.BuiltInSettings;
import io.sluice.control.authority.journal.IssueJournal;
import io.sluice.control.authority.journal.JournalLimits;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TokenAuthorityTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final SvidProfile PROFILE =
      new SvidProfile(new TrustDomain("site.example"), false, true);

  @TempDir private Path home;
  private final TestClock clock = new TestClock(Instant.parse("2026-06-01T12:00:00Z"));
  private SoftToken token;

  @BeforeEach
  void makeToken() throws Exception {
    token = new SoftToken(home);
  }

  @ParameterizedTest
  @EnumSource(names = {"P256", "P384"})
  void leavesAreSignedInTheTokenAndNoKeyIsOnDisk(SigningKey kind) throws Exception {
    KeyPair pair = Requests.keyPair("secp256r1");
    try (BuiltInAuthority authority = open(kind)) {
      IssuedCertificate issued = authority.sign(Requests.of(pair, HOUR));
      List<X509Certificate> roots = authority.trustBundle().roots();

      assertThat(issued.leaf().getSigAlgName())
          .isEqualTo(kind == SigningKey.P256 ? "SHA256withECDSA" : "SHA384withECDSA");
      assertThat(
              SvidRules.violation(
                  issued.chain(),
                  new SvidRules.Expectation(Requests.STORE, pair.getPublic(), HOUR, roots),
                  clock.instant()))
          .isEmpty();
      assertThat(authority.health().condition()).isEqualTo(Condition.READY);
    }
    try (Stream<Path> files = Files.list(home.resolve("keys"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("lock", "state.json");
    }
    assertThat(new Token(token.settings).labels())
        .hasSize(2)
        .anyMatch(label -> label.startsWith("sluice-root-"))
        .anyMatch(label -> label.startsWith("sluice-intermediate-"));
  }

  @Test
  void aRestartGoesOnWithTheKeysOfTheTokenEvenWithoutTheDirectory() throws Exception {
    List<X509Certificate> roots;
    List<X509Certificate> intermediates;
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      roots = authority.trustBundle().roots();
      intermediates = rest(authority.sign(Requests.of(HOUR)));
    }
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      assertThat(authority.trustBundle().roots()).isEqualTo(roots);
      assertThat(rest(authority.sign(Requests.of(HOUR)))).isEqualTo(intermediates);
    }
    Files.delete(home.resolve("keys/state.json"));
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      assertThat(authority.trustBundle().roots()).isEqualTo(roots);
      assertThat(rest(authority.sign(Requests.of(HOUR)))).isEqualTo(intermediates);
    }
  }

  private static List<X509Certificate> rest(IssuedCertificate issued) {
    return issued.chain().subList(1, issued.chain().size());
  }

  @Test
  void aRotationMakesTheNextKeysInTheTokenAndRemovesTheOldOnes() throws Exception {
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      X509Certificate old = authority.trustBundle().roots().getFirst();
      authority.beginRotation();
      assertThat(authority.trustBundle().roots()).hasSize(2);
      clock.advance(Duration.ofHours(7));
      authority.sign(Requests.of(HOUR));
      clock.advance(Duration.ofHours(25));
      authority.sign(Requests.of(HOUR));

      assertThat(authority.trustBundle().roots()).hasSize(1).doesNotContain(old);
      assertThat(new Token(token.settings).labels())
          .hasSize(2)
          .noneMatch(label -> label.contains(Certificates.id(old)));
    }
  }

  @Test
  void anIntermediateIsRenewedInTheToken() throws Exception {
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      List<X509Certificate> before = rest(authority.sign(Requests.of(HOUR)));
      clock.advance(Duration.ofDays(250));
      List<X509Certificate> after = rest(authority.sign(Requests.of(HOUR)));

      assertThat(after).hasSize(1).isNotEqualTo(before);
      assertThat(new Token(token.settings).labels()).hasSize(2);
    }
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
    }
  }

  @Test
  void anAuthorityThatIsInTheTokenAlreadySignsAndIsNeverRemoved() throws Exception {
    Issuer company = PROFILE.root(SigningKey.P384, clock.instant(), Duration.ofDays(1000));
    token.bring(company);
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      assertThat(authority.trustBundle().roots()).containsExactly(company.root());
      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);

      authority.beginRotation();
      clock.advance(Duration.ofHours(7));
      authority.sign(Requests.of(HOUR));
      clock.advance(Duration.ofHours(25));
      authority.sign(Requests.of(HOUR));
      assertThat(authority.trustBundle().roots()).doesNotContain(company.root());
    }
    assertThat(new TokenIssuers(token.settings).broughtAlong()).isPresent();
  }

  @Test
  void aLostSessionIsMadeAnewAtTheNextSignature() throws Exception {
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      authority.sign(Requests.of(HOUR));
      token.logOut();

      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
      assertThat(authority.health().condition()).isEqualTo(Condition.READY);
    }
  }

  @Test
  void whileTheTokenCannotBeUsedNothingIsSignedAndItShows() throws Exception {
    try (BuiltInAuthority authority = open(SigningKey.P256)) {
      authority.sign(Requests.of(HOUR));
      Files.writeString(token.settings.pinFile(), "9999");
      token.logOut();
      refused(Reason.BACKEND_CREDENTIAL_REFUSED, "does not take the PIN", authority);
      refused(Reason.BACKEND_CREDENTIAL_REFUSED, "not asked again", authority);
      assertThat(authority.health().condition()).isEqualTo(Condition.UNAVAILABLE);
      Files.writeString(token.settings.pinFile(), SoftToken.PIN);

      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
      assertThat(authority.health().condition()).isEqualTo(Condition.READY);
    }
  }

  private static void refused(Reason reason, String part, BuiltInAuthority authority)
      throws Exception {
    var request = Requests.of(HOUR);
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> authority.sign(request))
        .withMessageContaining(part)
        .satisfies(e -> assertThat(e.reason()).isEqualTo(reason));
  }

  @Test
  void manyAtOnceAllGetTheirs() throws Exception {
    try (BuiltInAuthority authority = open(SigningKey.P256);
        ExecutorService nodes = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<IssuedCertificate>> all =
          IntStream.range(0, 50)
              .mapToObj(_ -> nodes.submit(() -> authority.sign(Requests.of(HOUR))))
              .toList();
      token.logOut(); // in the midst of them
      for (Future<IssuedCertificate> one : all) {
        assertThat(one.get().chain()).hasSize(2);
      }
    }
  }

  @Test
  void aWrongPinIsShownToTheTokenOnce() throws Exception {
    Files.writeString(token.settings.pinFile(), "9999");
    Token wrong = new Token(token.settings);

    refused(Reason.BACKEND_CREDENTIAL_REFUSED, "does not take the PIN", wrong);
    refused(Reason.BACKEND_CREDENTIAL_REFUSED, "not asked again", wrong);
    Files.writeString(token.settings.pinFile(), SoftToken.PIN);
    assertThat(wrong.labels()).isEmpty();
  }

  @Test
  void aPinFileThatIsOpenToOthersOrEmptyOrMissingIsNotUsed() throws IOException {
    Path file = token.settings.pinFile();
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    refused(Reason.BACKEND_CREDENTIAL_REFUSED, "chmod 0600", new Token(token.settings));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Files.writeString(file, "\n");
    refused(Reason.BACKEND_CREDENTIAL_REFUSED, "empty", new Token(token.settings));
    Files.delete(file);
    refused(Reason.BACKEND_CREDENTIAL_REFUSED, file.toString(), new Token(token.settings));
  }

  @Test
  void aMissingLibraryOrTokenIsNamed() throws Exception {
    Path pin = token.settings.pinFile();
    Path missing = home.resolve("libnone.so");
    TokenSettings.SlotId slot = new TokenSettings.SlotId(4_242_424_242L);
    Path text = home.resolve("libtext.so");
    Files.writeString(text, "no library");

    refused(
        Reason.BACKEND_UNREACHABLE,
        missing.toString(),
        new Token(new TokenSettings(missing, slot, pin, "sluice")));
    refused(
        Reason.BACKEND_UNREACHABLE,
        text.toString(),
        new Token(new TokenSettings(text, slot, pin, "sluice")));
    refused(
        Reason.BACKEND_UNREACHABLE,
        "4242424242",
        new Token(new TokenSettings(SoftToken.library(), slot, pin, "sluice")));
  }

  private static void refused(Reason reason, String part, Token token) {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(token::labels)
        .withMessageContaining(part)
        .satisfies(e -> assertThat(e.reason()).isEqualTo(reason));
  }

  @Test
  void ed25519IsRefusedAtTheFirstStart() {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> open(SigningKey.ED25519))
        .withMessageContaining("P256 or P384");
  }

  private BuiltInAuthority open(SigningKey kind) {
    BuiltInSettings settings =
        new BuiltInSettings(
            home.resolve("keys"), PROFILE, kind, Duration.ofHours(24), Duration.ofHours(6));
    IssueJournal journal = IssueJournal.open(home.resolve("journal"), JournalLimits.DEFAULT);
    TokenIssuers issuers = new TokenIssuers(token.settings);
    return BuiltInAuthority.open(settings, issuers, issuers.broughtAlong(), journal, clock);
  }
}
