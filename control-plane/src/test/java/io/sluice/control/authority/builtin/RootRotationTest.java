package io.sluice.control.authority.builtin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.RotationPhase;
import io.sluice.control.authority.RotationPhase.Distributing;
import io.sluice.control.authority.RotationPhase.Single;
import io.sluice.control.authority.RotationPhase.Using;
import io.sluice.control.authority.SigningRequest;
import io.sluice.control.authority.TrustBundle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RootRotationTest {
  private static final Duration SKEW = Duration.ofMinutes(5);

  @TempDir private Path home;
  private Site site;
  private SigningRequest proof;

  @BeforeEach
  void prepare() throws Exception {
    site = Site.in(home);
    proof = SigningRequest.parse(Requests.der(Requests.keyPair("secp256r1")));
  }

  @Test
  void goesThroughItsPhasesByTimeAlone() {
    try (BuiltInAuthority authority = site.open()) {
      X509Certificate old = authority.trustBundle().roots().getFirst();
      authority.beginRotation();
      TrustBundle both = authority.trustBundle();
      assertThat(authority.rotation()).isInstanceOf(Distributing.class);
      assertThat(both.generation()).isEqualTo(2);
      assertThat(both.roots()).hasSize(2).first().isEqualTo(old);
      assertThat(Peers.accept(sign(authority), only(both, old), now())).isTrue();

      site.clock().advance(Site.DISTRIBUTE);
      assertThat(authority.rotation()).isInstanceOf(Using.class);
      assertThat(Peers.accept(sign(authority), only(both, old), now())).isFalse();
      assertThat(Peers.accept(sign(authority), both, now())).isTrue();

      site.clock().advance(Site.LONGEST_LEAF);
      assertThat(authority.trustBundle().roots()).contains(old);
      site.clock().advance(SKEW);
      assertThat(authority.rotation()).isInstanceOf(Single.class);
      assertThat(authority.trustBundle().roots()).hasSize(1).doesNotContain(old);
      assertThat(authority.trustBundle().generation()).isGreaterThan(both.generation());
    }
  }

  @Test
  void theKeysOfAWithdrawnRootAreGone() throws Exception {
    Path old;
    try (BuiltInAuthority authority = site.open()) {
      old = site.file("root-");
      finishRotation(authority);
    }

    assertThat(old).doesNotExist();
    try (Stream<Path> files = Files.list(site.keys())) {
      assertThat(files.filter(file -> file.toString().endsWith(".pem"))).hasSize(2);
    }
  }

  @Test
  void canBeTakenBackWhileTheNewRootHasSignedNothing() {
    try (BuiltInAuthority authority = site.open()) {
      X509Certificate old = authority.trustBundle().roots().getFirst();
      authority.beginRotation();
      authority.cancelRotation();
      assertThat(authority.trustBundle().roots()).containsExactly(old);
      assertThat(authority.trustBundle().generation()).isEqualTo(3);

      authority.beginRotation();
      site.clock().advance(Site.DISTRIBUTE);
      assertThatExceptionOfType(AuthorityException.class).isThrownBy(authority::cancelRotation);
      assertThatExceptionOfType(AuthorityException.class).isThrownBy(authority::beginRotation);
    }
  }

  @Test
  void signsNothingOnceItWasTakenBackAlsoWhereItsKeyCannotBeRemoved() throws Exception {
    try (BuiltInAuthority authority = site.open()) {
      X509Certificate old = authority.trustBundle().roots().getFirst();
      authority.beginRotation();
      String next = ((Distributing) authority.rotation()).next();
      Path key = site.file("root-" + next);
      Files.delete(key);
      Files.createDirectories(key.resolve("in-the-way"));

      authority.cancelRotation();

      site.clock().advance(Site.DISTRIBUTE);
      assertThat(authority.rotation()).isInstanceOf(Single.class);
      assertThat(authority.trustBundle().roots()).containsExactly(old);
    }
  }

  @Test
  void timeWithoutTheAuthorityDoesNotCountAsDistribution() {
    try (BuiltInAuthority authority = site.open()) {
      authority.beginRotation();
    }
    site.clock().advance(Duration.ofDays(30));
    try (BuiltInAuthority authority = site.open()) {
      assertThat(authority.rotation()).isInstanceOf(Distributing.class);
      site.clock().advance(Duration.ofHours(1));
      assertThat(authority.rotation()).isInstanceOf(Using.class);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void noLeafEverMeetsAPeerThatRefusesIt(long seed) {
    walk(seed);
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 5, 6, 7, 8})
  @Tag("long")
  void noLeafEverMeetsAPeerThatRefusesItOnMoreWalks(long seed) {
    walk(seed);
  }

  /**
   * Walks at random through time, restarts, rotations and cancellations. Nodes hold any bundle of
   * this phase or the one before; peers hold any leaf that has not expired.
   */
  private void walk(long seed) {
    Random random = new Random(seed);
    List<IssuedCertificate> leaves = new ArrayList<>();
    TrustBundle previous;
    TrustBundle present;
    int rotations = 0;
    BuiltInAuthority authority = site.open();
    try {
      previous = present = authority.trustBundle();
      RotationPhase phase = authority.rotation();
      for (int step = 0; step < 120; step++) {
        switch (random.nextInt(8)) {
          case 0 -> {
            if (authority.rotation() instanceof Single) {
              authority.beginRotation();
              rotations++;
            }
          }
          case 1 -> {
            if (authority.rotation() instanceof Distributing && random.nextInt(4) == 0) {
              authority.cancelRotation();
            }
          }
          case 2 -> {
            authority.close();
            authority = site.open();
          }
          default -> site.clock().advance(Duration.ofMinutes(random.nextInt(360)));
        }
        RotationPhase reached = authority.rotation();
        if (!reached.getClass().equals(phase.getClass())) {
          previous = present;
          phase = reached;
        }
        TrustBundle bundle = authority.trustBundle();
        assertThat(bundle.generation()).isGreaterThanOrEqualTo(present.generation());
        boolean changed = !bundle.equals(present);
        present = bundle;
        IssuedCertificate fresh = sign(authority);
        assertThat(Peers.accept(fresh, previous, now())).as("late node, step %s", step).isTrue();
        leaves.add(fresh);
        leaves.removeIf(leaf -> leaf.notAfter().isBefore(now()));
        // Of the same bundle time alone asks for more, and of the oldest leaf first.
        for (IssuedCertificate leaf : changed ? leaves : List.of(leaves.getFirst(), fresh)) {
          assertThat(Peers.accept(leaf, present, now())).as("old leaf, step %s", step).isTrue();
        }
      }
    } finally {
      authority.close();
    }
    assertThat(rotations).isPositive();
  }

  private void finishRotation(BuiltInAuthority authority) {
    authority.beginRotation();
    site.clock().advance(Site.DISTRIBUTE);
    assertThat(authority.rotation()).isInstanceOf(Using.class);
    site.clock().advance(Site.LONGEST_LEAF.plus(SKEW));
    assertThat(authority.rotation()).isInstanceOf(Single.class);
  }

  private IssuedCertificate sign(BuiltInAuthority authority) {
    return authority.sign(
        new CertificateRequest(Requests.STORE, proof, Site.LONGEST_LEAF, "node-1"));
  }

  private static TrustBundle only(TrustBundle bundle, X509Certificate root) {
    return new TrustBundle(bundle.trustDomain(), bundle.generation(), List.of(root));
  }

  private Instant now() {
    return site.clock().instant();
  }
}
