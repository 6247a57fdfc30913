package io.sluice.control.authority.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.IssueJournal.JournalLimits;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.TestClock;
import io.sluice.control.authority.builtin.BuiltInAuthority;
import io.sluice.control.authority.builtin.BuiltInSettings;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.AuthProvider;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
    Issuer company =
        PROFILE.root(SigningKey.P384.generate(), clock.instant(), Duration.ofDays(1000));
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

  /** A new token of SoftHSM, with a PIN file in {@code home}. */
  private static final class SoftToken {
    static final String PIN = "1234";
    private static final int MOST_TOKENS = 16;

    private static final Pattern SLOT = Pattern.compile("reassigned to slot (\\d+)");
    private static final List<Path> LIBRARIES =
        List.of(
            Path.of("/usr/lib/softhsm/libsofthsm2.so"),
            Path.of("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
            Path.of("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"));

    final TokenSettings settings;

    /**
     * SoftHSM sees the tokens only that are there when a process loads it, so all are made first.
     */
    private static final Queue<Long> UNUSED_SLOTS = new ConcurrentLinkedQueue<>(makeTokens());

    SoftToken(Path home) throws Exception {
      Path pinFile = home.resolve("pin");
      Files.createFile(
          pinFile,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(pinFile, PIN + "\n");
      settings =
          new TokenSettings(
              library(), new TokenSettings.SlotId(UNUSED_SLOTS.remove()), pinFile, "sluice");
    }

    private static List<Long> makeTokens() {
      try {
        Path configuration = Path.of(System.getenv("SOFTHSM2_CONF"));
        Path tokens = configuration.resolveSibling("tokens-" + ProcessHandle.current().pid());
        Files.createDirectories(tokens);
        Files.writeString(
            configuration, "directories.tokendir = " + tokens + "\nlog.level = ERROR\n");
        List<Long> slots = new ArrayList<>();
        for (int i = 0; i < MOST_TOKENS; i++) {
          slots.add(makeToken());
        }
        return slots;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static long makeToken() throws IOException {
      List<String> command = new ArrayList<>(List.of("softhsm2-util", "--init-token", "--free"));
      command.addAll(List.of("--label", "sluice-test", "--pin", PIN, "--so-pin", "56789"));
      Process made = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(made.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      Matcher slot = SLOT.matcher(said);
      if (!slot.find()) {
        throw new IOException("softhsm2-util made no token: " + said);
      }
      return Long.parseLong(slot.group(1));
    }

    static Path library() {
      return LIBRARIES.stream().filter(Files::exists).findFirst().orElseThrow();
    }

    /** What an operator does with other tools: a key and its chain under our label. */
    void bring(Issuer issuer) throws Exception {
      AuthProvider provider = provider();
      KeyStore store = KeyStore.getInstance("PKCS11", provider);
      store.load(null, PIN.toCharArray());
      store.setKeyEntry(
          "sluice", issuer.key(), null, issuer.chain().toArray(X509Certificate[]::new));
    }

    /** Ends the login of this whole process, as a token does that is reset or pulled out. */
    void logOut() throws Exception {
      AuthProvider provider = provider();
      KeyStore.getInstance("PKCS11", provider);
      provider.logout();
    }

    private AuthProvider provider() {
      return (AuthProvider)
          Security.getProvider("SunPKCS11").configure(settings.providerConfiguration());
    }
  }
}
