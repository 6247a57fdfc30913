package io.sluice.control.authority.builtin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.JournalReader;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.SigningRequest;
import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuiltInAuthorityTest {
  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir private Path home;
  private Site site;

  @BeforeEach
  void prepare() {
    site = Site.in(home);
  }

  @Test
  void signsTheKeyForTheAdmittedIdentityWhateverTheRequestAskedFor() throws Exception {
    KeyPair pair = Requests.keyPair("secp256r1");
    try (BuiltInAuthority authority = site.open()) {
      IssuedCertificate issued = authority.sign(Requests.of(pair, HOUR));

      assertThat(issued.leaf().getPublicKey()).isEqualTo(pair.getPublic());
      assertThat(issued.leaf().getSubjectAlternativeNames())
          .containsExactly(List.of(6, Requests.STORE.toString()));
      assertThat(issued.leaf().getBasicConstraints()).isEqualTo(-1);
      assertThat(issued.notAfter()).isEqualTo(Site.BEGIN.plus(HOUR));
      assertThat(issued.chain()).hasSize(2);
      assertThat(Peers.accept(issued, authority.trustBundle(), site.clock().instant())).isTrue();
    }
  }

  @Test
  void theSameRootAndIntermediateSignAfterARestart() throws Exception {
    X509Certificate root;
    X509Certificate intermediate;
    try (BuiltInAuthority authority = site.open()) {
      root = authority.trustBundle().roots().getFirst();
      intermediate = authority.sign(Requests.of(HOUR)).chain().getLast();
    }
    try (BuiltInAuthority authority = site.open()) {
      assertThat(authority.trustBundle().roots()).containsExactly(root);
      assertThat(authority.trustBundle().generation()).isEqualTo(1);
      assertThat(authority.sign(Requests.of(HOUR)).chain().getLast()).isEqualTo(intermediate);
    }
  }

  @Test
  void everyCertificateIsInTheJournal() throws Exception {
    IssuedCertificate issued;
    try (BuiltInAuthority authority = site.open()) {
      issued = authority.sign(Requests.of(HOUR));
    }
    assertThat(JournalReader.find(home.resolve("journal"), issued.serial()))
        .hasValueSatisfying(entry -> {
          assertThat(entry.identity()).isEqualTo(Requests.STORE.toString());
          assertThat(entry.requester()).isEqualTo("node-1");
          assertThat(entry.notAfter()).isEqualTo(issued.notAfter());
          assertThat(entry.issuer()).startsWith("CN=Intermediate CA");
        });
  }

  @Test
  void twoHundredAtOnceGetSerialsOfTheirOwn() throws Exception {
    SigningRequest proof = SigningRequest.parse(Requests.der(Requests.keyPair("secp256r1")));
    CertificateRequest request = new CertificateRequest(Requests.STORE, proof, HOUR, "node-1");
    Set<BigInteger> serials = new HashSet<>();
    try (BuiltInAuthority authority = site.open();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<BigInteger>> calls = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        calls.add(() -> authority.sign(request).serial());
      }
      for (Future<BigInteger> serial : threads.invokeAll(calls)) {
        serials.add(serial.get());
      }
    }

    assertThat(serials).hasSize(200);
    // Drawn from 128 bits: some reach the top ones, all are positive.
    assertThat(serials).allMatch(serial -> serial.signum() > 0 && serial.bitLength() <= 128);
    assertThat(serials).anyMatch(serial -> serial.bitLength() == 128);
  }

  @Test
  void renewsItsIntermediateAtTwoThirdsWithoutATouchOfTheBundle() throws Exception {
    try (BuiltInAuthority authority = site.open()) {
      IssuedCertificate before = authority.sign(Requests.of(HOUR));
      site.clock().advance(Duration.ofDays(243));
      assertThat(authority.sign(Requests.of(HOUR)).chain().getLast())
          .isEqualTo(before.chain().getLast());
      site.clock().advance(Duration.ofDays(1));
      IssuedCertificate after = authority.sign(Requests.of(HOUR));

      assertThat(after.chain().getLast()).isNotEqualTo(before.chain().getLast());
      assertThat(authority.trustBundle().generation()).isEqualTo(1);
      assertThat(Peers.accept(after, authority.trustBundle(), site.clock().instant())).isTrue();
    }
  }

  @Test
  void signsOnWithTheOldIntermediateWhileTheDiskIsAway() throws Exception {
    try (BuiltInAuthority authority = site.open()) {
      X509Certificate before = authority.sign(Requests.of(HOUR)).chain().getLast();
      Path away = home.resolve("away");
      Files.move(site.keys(), away);
      site.clock().advance(Duration.ofDays(250));

      assertThat(authority.sign(Requests.of(HOUR)).chain().getLast()).isEqualTo(before);
      assertThat(authority.health().condition()).isEqualTo(Condition.DEGRADED);
      assertThat(authority.health().detail()).contains("intermediate-", "free space");

      Files.move(away, site.keys());
      site.clock().advance(Duration.ofMinutes(2));
      assertThat(authority.sign(Requests.of(HOUR)).chain().getLast()).isNotEqualTo(before);
      assertThat(authority.health().condition()).isEqualTo(Condition.READY);
    }
  }

  @Test
  void refusesForeignTrustDomainsAndLongLives() throws Exception {
    SigningRequest proof = SigningRequest.parse(Requests.der(Requests.keyPair("secp256r1")));
    SpiffeId foreign = SpiffeId.parse("spiffe://other.example/ns/shop/sa/store");
    try (BuiltInAuthority authority = site.open()) {
      refuses(
          Reason.TRUST_DOMAIN_FOREIGN,
          () -> authority.sign(new CertificateRequest(foreign, proof, HOUR, "node-1")));
      refuses(
          Reason.LIFETIME_REFUSED,
          () -> authority.sign(Requests.of(Site.LONGEST_LEAF.plusSeconds(1))));
      refuses(Reason.LIFETIME_REFUSED, () -> Requests.of(Duration.ofSeconds(59)));
      refuses(Reason.LIFETIME_REFUSED, () -> Requests.of(Duration.ofDays(7).plusSeconds(1)));
      assertThat(authority.sign(Requests.of(Duration.ofSeconds(60))).notAfter())
          .isEqualTo(Site.BEGIN.plusSeconds(60));
    }
  }

  @Test
  void aClockThatFellBackStopsSigningUntilItIsRight() throws Exception {
    try (BuiltInAuthority authority = site.open()) {
      site.clock().set(Instant.EPOCH);
      refuses(Reason.CLOCK_BEHIND, () -> authority.sign(Requests.of(HOUR)));
      assertThat(authority.health().condition()).isEqualTo(Condition.UNAVAILABLE);
      site.clock().set(Site.BEGIN);
      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
    }
  }

  @Test
  void makesNoRootByAnImpossibleClock() {
    site.clock().set(Instant.EPOCH);

    refuses(Reason.CLOCK_BEHIND, site::open);
  }

  @Test
  void opensByAWrongClockWithTheRootItHas() {
    site.open().close();
    site.clock().set(Instant.EPOCH);
    try (BuiltInAuthority authority = site.open()) {
      assertThat(authority.trustBundle().roots()).hasSize(1);
    }
  }

  @Test
  void stopsWhenTheRootHasEnded() throws Exception {
    try (BuiltInAuthority authority = site.open()) {
      site.clock().advance(BuiltInSettings.ROOT_LIFETIME.minus(Duration.ofDays(20)));
      assertThat(authority.health().condition()).isEqualTo(Condition.DEGRADED);
      assertThat(authority.sign(Requests.of(HOUR)).chain()).hasSize(2);
      site.clock().advance(Duration.ofDays(20));
      refuses(Reason.ISSUER_EXPIRED, () -> authority.sign(Requests.of(HOUR)));
      assertThat(authority.health().condition()).isEqualTo(Condition.UNAVAILABLE);
    }
  }

  @Test
  void anotherProcessOrAuthorityCannotOpenTheSameDirectory() {
    try (BuiltInAuthority first = site.open()) {
      assertThat(first.health().condition()).isEqualTo(Condition.READY);
      assertThatExceptionOfType(AuthorityException.class)
          .isThrownBy(site::open)
          .withMessageContaining("another process holds this authority");
    }
  }

  private static void refuses(Reason reason, ThrowingCallable call) {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(call)
        .satisfies(e -> assertThat(e.reason()).isEqualTo(reason));
  }
}
