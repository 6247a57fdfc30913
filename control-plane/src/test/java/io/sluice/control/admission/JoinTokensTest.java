package io.sluice.control.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.attack.Attack;
import io.sluice.control.admission.AdmissionException.Reason;
import io.sluice.control.admission.JoinTokens.JoinToken;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.TestClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.PublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JoinTokensTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final PublicKey KEY = key();

  private static PublicKey key() {
    try {
      return Requests.keyPair("secp256r1").getPublic();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @TempDir private Path home;
  private final TestClock clock = new TestClock(Instant.parse("2026-06-01T12:00:00Z"));
  private Path directory;
  private JoinTokens tokens;

  @BeforeEach
  void open() {
    directory = home.resolve("tokens");
    tokens = JoinTokens.in(directory, clock);
  }

  private Reason refusal(String token) {
    return refusal(() -> tokens.admit(token, "edge1", key()));
  }

  private static Reason refusal(Callable<?> call) {
    AdmissionException refused = catchThrowableOfType(AdmissionException.class, call::call);
    assertThat(refused).hasMessageContaining("; ");
    return refused.reason();
  }

  @Test
  void tokenAdmitsItsNodeOnce() {
    String token = tokens.create("edge1", HOUR);

    AdmittedNode node = tokens.admit(token, "edge1", key());

    assertThat(node.nodeName()).isEqualTo("edge1");
    assertThat(node.how()).contains(token.substring(0, 16)).doesNotContain(token.substring(17));
    assertThat(refusal(token)).isEqualTo(Reason.USED);
  }

  @Test
  void usedTokenStaysUsedAcrossARestart() {
    String token = tokens.create("edge1", HOUR);
    tokens.admit(token, "edge1", key());

    tokens = JoinTokens.in(directory, clock);

    assertThat(refusal(token)).isEqualTo(Reason.USED);
  }

  @Tag("attack")
  @Test
  void ofManyConcurrentCallsOneIsAdmitted() throws Exception {
    int callers = 8;
    for (int round = 0; round < 20; round++) {
      String token = tokens.create("edge1", HOUR);
      CyclicBarrier together = new CyclicBarrier(callers);
      List<Future<Boolean>> results = new ArrayList<>();
      try (ExecutorService threads = Executors.newFixedThreadPool(callers)) {
        for (int i = 0; i < callers; i++) {
          JoinTokens ofOneProcess = JoinTokens.in(directory, clock);
          PublicKey key = key();
          results.add(
              threads.submit(() -> {
                together.await();
                try {
                  ofOneProcess.admit(token, "edge1", key);
                  return true;
                } catch (AdmissionException e) {
                  assertThat(e.reason()).isEqualTo(Reason.USED);
                  return false;
                }
              }));
        }
      }
      int admitted = 0;
      for (Future<Boolean> result : results) {
        admitted += result.get() ? 1 : 0;
      }
      assertThat(admitted).isEqualTo(1);
    }

    Attack.tried("one join token used by eight callers at once")
        .refusedBy("the controller: one is admitted")
        .countedAs("sluice_control_refusals_total{call=\"admit\",reason=\"token_used\"}");
  }

  @Test
  void wrongNameLeavesTheTokenForTheRightOne() {
    String token = tokens.create("edge1", HOUR);

    assertThat(refusal(() -> tokens.admit(token, "edge2", KEY))).isEqualTo(Reason.WRONG_ACCOUNT);
    assertThat(tokens.admit(token, "edge1", KEY).nodeName()).isEqualTo("edge1");
  }

  /** Whose answer was lost: nobody else has that key. */
  @Tag("attack")
  @Test
  void tokenAdmitsTheKeyThatHasUsedItAgainForAWhileAndNoOther() {
    String token = tokens.create("edge1", HOUR);
    String brief = tokens.create("edge3", Duration.ofMinutes(5));
    tokens.admit(brief, "edge3", KEY);
    tokens.admit(token, "edge1", KEY);
    tokens = JoinTokens.in(directory, clock); // as after a restart

    assertThat(tokens.admit(token, "edge1", KEY).nodeName()).isEqualTo("edge1");
    assertThat(tokens.list()).extracting(JoinToken::state).containsOnly(JoinToken.State.USED);
    assertThat(refusal(() -> tokens.admit(token, "edge1", key()))).isEqualTo(Reason.USED);
    assertThat(refusal(() -> tokens.admit(token, "edge2", KEY))).isEqualTo(Reason.WRONG_ACCOUNT);
    assertThat(refusal(() -> tokens.admit(token.substring(0, 17) + "A".repeat(43), "edge1", KEY)))
        .isEqualTo(Reason.UNKNOWN);
    assertThat(refusal(token)).as("without a key").isEqualTo(Reason.USED);
    clock.advance(JoinTokens.ADMITTED_AGAIN.minusSeconds(1));
    assertThat(tokens.admit(token, "edge1", KEY).nodeName()).isEqualTo("edge1");
    assertThat(refusal(() -> tokens.admit(brief, "edge3", KEY))).isEqualTo(Reason.EXPIRED);
    clock.advance(Duration.ofSeconds(1));
    assertThat(refusal(() -> tokens.admit(token, "edge1", KEY))).isEqualTo(Reason.USED);
    Attack.tried("a join token that was used, with another key than then")
        .refusedBy("the controller, call Admit")
        .countedAs("sluice_control_refusals_total{call=\"admit\",reason=\"token_used\"}");
  }

  @Test
  void revokedTokenAdmitsNotEvenTheKeyThatHasUsedIt() {
    String token = tokens.create("edge1", HOUR);
    tokens.admit(token, "edge1", KEY);

    assertThat(tokens.revoke(token.substring(0, 16))).isTrue();

    assertThat(refusal(() -> tokens.admit(token, "edge1", KEY))).isEqualTo(Reason.USED);
    assertThat(tokens.revoke(token.substring(0, 16))).isFalse();
    assertThat(tokens.list()).extracting(JoinToken::state).containsExactly(JoinToken.State.USED);
  }

  @Test
  void tokenIsGoodUntilItExpires() {
    String early = tokens.create("edge1", HOUR);
    String late = tokens.create("edge1", HOUR);

    clock.advance(HOUR.minusSeconds(1));
    tokens.admit(early, "edge1", key());
    clock.advance(Duration.ofSeconds(1));

    assertThat(refusal(late)).isEqualTo(Reason.EXPIRED);
  }

  @Test
  void revokedTokenIsUnknown() {
    String token = tokens.create("edge1", HOUR);
    String id = token.substring(0, 16);

    assertThat(tokens.revoke(id)).isTrue();
    assertThat(tokens.revoke(id)).isFalse();
    assertThat(tokens.revoke("../" + id)).isFalse();
    assertThat(refusal(token)).isEqualTo(Reason.UNKNOWN);
  }

  @Test
  void wrongSecretAndWrongIdAreAnsweredAlike() {
    String token = tokens.create("edge1", HOUR);
    String other = tokens.create("edge1", HOUR);
    String wrongSecret = token.substring(0, 17) + other.substring(17);
    String wrongId = "0123456789abcdef" + token.substring(16);

    assertThat(refusal(wrongSecret)).isEqualTo(Reason.UNKNOWN);
    assertThat(refusal(wrongId)).isEqualTo(Reason.UNKNOWN);
    assertThat(
            catchThrowableOfType(
                AdmissionException.class, () -> tokens.admit(wrongSecret, "edge1", key())))
        .hasMessage(
            catchThrowableOfType(
                    AdmissionException.class, () -> tokens.admit(wrongId, "edge1", key()))
                .getMessage());
    assertThat(tokens.admit(token, "edge1", key()).nodeName()).isEqualTo("edge1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "0123456789abcdef.",
        "../../../../etc/x.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "0123456789ABCDEF.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "0123456789abcdef.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
      })
  void otherTextsAreNoTokens(String text) {
    assertThat(JoinTokens.isOne(text)).isFalse();
    assertThat(refusal(text)).isEqualTo(Reason.MALFORMED);
  }

  @Test
  void secretIsNowhereOnDiskAndFilesAreTheOwnersAlone() throws Exception {
    String token = tokens.create("edge1", HOUR);

    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files.toList())
          .hasSize(1)
          .allSatisfy(file -> {
            assertThat(Files.readString(file))
                .contains("edge1")
                .doesNotContain(token.substring(17));
            assertThat(Files.getPosixFilePermissions(file))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
          });
    }
    assertThat(Files.getPosixFilePermissions(directory))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void listTellsWhatBecameOfEachAndForgetsOldOnes() {
    String used = tokens.create("edge1", HOUR);
    clock.advance(Duration.ofMinutes(1));
    tokens.create("edge2", Duration.ofMinutes(1));
    clock.advance(Duration.ofMinutes(2));
    tokens.create("edge3", HOUR);
    tokens.admit(used, "edge1", key());

    assertThat(tokens.list())
        .extracting(JoinToken::nodeName, JoinToken::state)
        .containsExactly(
            tuple("edge3", JoinToken.State.OPEN),
            tuple("edge2", JoinToken.State.EXPIRED),
            tuple("edge1", JoinToken.State.USED));

    clock.advance(JoinTokens.KEPT_AFTER_ITS_END.plus(HOUR).plusSeconds(1));
    tokens.create("edge4", HOUR);
    assertThat(tokens.list()).extracting(JoinToken::nodeName).containsExactly("edge4");
  }

  @Test
  void damagedFileIsNamed() throws Exception {
    String token = tokens.create("edge1", HOUR);
    Path file = directory.resolve(token.substring(0, 16) + ".json");
    Files.writeString(file, "{\"nodeName\": \"edge1\"}");

    assertThatThrownBy(() -> tokens.admit(token, "edge1", key()))
        .isInstanceOf(AuthorityException.class)
        .hasMessageContaining(file.toString());
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 9, 31 * 24 * 3_600})
  void lifetimesOutOfRangeAreRefused(long seconds) {
    assertThatThrownBy(() -> tokens.create("edge1", Duration.ofSeconds(seconds)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tokens.create("Edge 1", HOUR))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
