package io.sluice.control.authority.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.await.Await;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.IssueJournal.JournalLimits;
import io.sluice.control.authority.JournalReader;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.control.authority.vault.FakeVault.Mood;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Order(2)
class VaultAuthorityTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(4);

  @TempDir private Path home;
  @AutoClose private FakeVault vault;

  @BeforeEach
  void start() throws Exception {
    vault = new FakeVault(null);
    Files.writeString(home.resolve("jwt"), "jwt-of-controller\n");
  }

  @Test
  void leavesChainToVaultsRoot() throws Exception {
    KeyPair pair = Requests.keyPair("secp256r1");
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      TrustBundle bundle = authority.trustBundle();
      IssuedCertificate issued = authority.sign(Requests.of(pair, HOUR));

      assertThat(bundle.roots()).containsExactly(vault.issuer.root());
      assertThat(issued.chain()).hasSize(2).last().isEqualTo(vault.issuer.certificate());
      assertThat(
              SvidRules.violation(
                  issued.chain(),
                  new SvidRules.Expectation(Requests.STORE, pair.getPublic(), HOUR, bundle.roots()),
                  Instant.now()))
          .isEmpty();
      assertThat(vault.lastSign.path("uri_sans").asText()).isEqualTo(Requests.STORE.toString());
      assertThat(vault.lastSign.path("ttl").asText()).isEqualTo("3600s");
      assertThat(vault.lastSign.has("common_name")).isFalse();
      assertThat(journalled(issued)).isTrue();
      assertThat(authority.health().condition()).isEqualTo(Condition.READY);
    }
  }

  @Test
  void aTokenFromAFileIsReadAgainWhenItIsNoLongerTaken() throws Exception {
    Files.writeString(home.resolve("token"), vault.token());
    try (VaultAuthority authority = byToken()) {
      authority.sign(Requests.of(HOUR));
      vault.revokeAllTokens();
      refuses(authority, Reason.BACKEND_CREDENTIAL_REFUSED);
      Files.writeString(home.resolve("token"), vault.token() + "\n");

      Await.until("the new token is used", () -> signs(authority));
    }
  }

  @Test
  void logsInAgainWhenItsTokenWasRevoked() throws Exception {
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      authority.sign(Requests.of(HOUR));
      vault.revokeAllTokens();
      authority.sign(Requests.of(HOUR));

      assertThat(vault.logins).hasValue(2);
    }
  }

  @Test
  void renewsItsTokenWithoutBeingUsed() throws Exception {
    vault.tokenLife = Duration.ofSeconds(4);
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      authority.sign(Requests.of(HOUR));
      Await.until("two renewals", () -> vault.renewals.get() >= 2);
      authority.sign(Requests.of(HOUR));

      assertThat(vault.logins).hasValue(1);
    }
  }

  @Test
  void replacesATokenThatCannotBeRenewedBeforeItEnds() throws Exception {
    vault.tokenLife = Duration.ofSeconds(2);
    vault.renewable = false;
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      authority.sign(Requests.of(HOUR));
      Await.until("a second login", () -> vault.logins.get() >= 2);

      assertThat(vault.renewals).hasValue(0);
    }
  }

  @Test
  void aWrongServiceAccountIsNotTriedAgain() throws Exception {
    Files.writeString(home.resolve("jwt"), "jwt-of-thief");
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      refuses(authority, Reason.BACKEND_CREDENTIAL_REFUSED);
      assertThat(authority.health().condition()).isEqualTo(Condition.UNAVAILABLE);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SEALED,BACKEND_UNAVAILABLE,true",
    "GARBAGE,BACKEND_UNREACHABLE,true",
    "HTML,BACKEND_UNREACHABLE,true",
    "SILENT,BACKEND_UNREACHABLE,true",
    "TRICKLING,BACKEND_UNREACHABLE,true",
    "ENDLESS,BACKEND_UNREACHABLE,true",
    "ROLE_REFUSES,BACKEND_REFUSED,false",
    "REDIRECTING,BACKEND_REFUSED,false",
    "NO_CERTIFICATE,BACKEND_ANSWER_REFUSED,false",
    "OTHER_IDENTITY,BACKEND_ANSWER_REFUSED,false",
    "OTHER_KEY,BACKEND_ANSWER_REFUSED,false",
    "OTHER_ROOT,BACKEND_ANSWER_REFUSED,false",
    "TOO_LONG,BACKEND_ANSWER_REFUSED,false"
  })
  void badAnswersHaveAReasonAndAnEndAndPass(Mood mood, Reason reason, boolean again)
      throws Exception {
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      authority.sign(Requests.of(HOUR));
      int before = vault.signRequests.get();
      vault.mood = mood;
      long begin = System.nanoTime();
      refuses(authority, reason);

      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .isLessThan(PATIENCE.plus(TIMEOUT).plusSeconds(3));
      assertThat(reason.isRetryable()).isEqualTo(again);
      if (mood != Mood.SEALED) {
        assertThat(vault.signRequests.get() - before > 1).isEqualTo(again);
      }
      vault.mood = Mood.HONEST;
      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
    }
  }

  @Test
  void staysPatientWhileVaultIsUnsealed() throws Exception {
    try (VaultAuthority authority = byKubernetes(Duration.ofSeconds(20))) {
      vault.mood = Mood.SEALED;
      Thread unseal =
          Thread.ofVirtual()
              .start(() -> {
                LockSupport.parkNanos(Duration.ofMillis(800).toNanos());
                vault.mood = Mood.HONEST;
              });

      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
      unseal.join();
    }
  }

  @Test
  void keepsTheBundleWhileVaultIsAway() throws Exception {
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      TrustBundle bundle = authority.trustBundle();
      vault.mood = Mood.SEALED;

      assertThat(authority.trustBundle()).isEqualTo(bundle);
      assertThat(authority.health().condition()).isEqualTo(Condition.UNAVAILABLE);
      assertThat(authority.health().detail()).contains("unseal");
    }
  }

  @Test
  void aNewRootInVaultIsDistributedBeforeItsLeavesAreUsed() throws Exception {
    try (VaultAuthority authority = byKubernetes(PATIENCE)) {
      TrustBundle before = authority.trustBundle();
      vault.issuer = FakeVault.newIssuer();
      refuses(authority, Reason.BACKEND_UNAVAILABLE);
      TrustBundle after = authority.trustBundle();

      assertThat(after.generation()).isGreaterThan(before.generation());
      assertThat(after.roots()).containsExactly(before.roots().getFirst(), vault.issuer.root());
    }
    try (VaultAuthority authority = authority(kubernetes(), PATIENCE, List.of(), Duration.ZERO)) {
      authority.trustBundle();
      vault.issuer = FakeVault.newIssuer();

      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
      assertThat(authority.trustBundle().roots()).hasSize(2);
    }
  }

  @Test
  void rootsOfTheSettingsHavePriority() throws Exception {
    X509Certificate other = FakeVault.newIssuer().root();
    try (VaultAuthority authority =
        authority(kubernetes(), PATIENCE, List.of(other), Duration.ZERO)) {
      assertThat(authority.trustBundle().roots()).containsExactly(other);
      refuses(authority, Reason.BACKEND_ANSWER_REFUSED);
    }
  }

  private static boolean signs(VaultAuthority authority) {
    try {
      return authority.sign(Requests.of(HOUR)).chain().size() == 2;
    } catch (AuthorityException e) {
      return false;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private boolean journalled(IssuedCertificate issued) throws IOException {
    return JournalReader.find(home.resolve("journal"), issued.serial()).isPresent();
  }

  private static void refuses(VaultAuthority authority, Reason reason) throws Exception {
    var request = Requests.of(HOUR);
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> authority.sign(request))
        .satisfies(e -> assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason));
  }

  private VaultLogin kubernetes() {
    return new VaultLogin.Kubernetes("kubernetes", "sluice", home.resolve("jwt"));
  }

  private VaultAuthority byKubernetes(Duration patience) {
    return authority(kubernetes(), patience, List.of(), HOUR);
  }

  private VaultAuthority byToken() {
    return authority(new VaultLogin.TokenFile(home.resolve("token")), PATIENCE, List.of(), HOUR);
  }

  private VaultAuthority authority(
      VaultLogin login, Duration patience, List<X509Certificate> roots, Duration distributeFor) {
    VaultSettings settings =
        new VaultSettings(
            vault.address(),
            "pki",
            "workload",
            login,
            List.of(),
            roots,
            new SvidProfile(new TrustDomain("site.example"), false, true),
            TIMEOUT,
            patience,
            Duration.ofHours(24),
            distributeFor);
    return new VaultAuthority(
        settings,
        IssueJournal.open(home.resolve("journal"), JournalLimits.DEFAULT),
        InstantSource.system());
  }
}
