package io.sluice.node.identity;

import static io.sluice.node.identity.TestNode.BANK;
import static io.sluice.node.identity.TestNode.SHOP;
import static io.sluice.node.identity.TestNode.SITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.node.identity.CertificateStatus.State;
import io.sluice.node.identity.x509.SigningRequests;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a node does while its controller fails it. */
@Order(1)
class ControllerFaultTest extends ControlledNodeTest {
  private void startAndGet(SpiffeId identity) {
    startNode();
    node().want(identity);
    Await.until(() -> assertThat(node().identities.of(identity)).isPresent());
    Await.until(() -> assertThat(node().status().connected()).isTrue());
  }

  @Test
  void certificatesOutliveTheControllerUntilTheyEnd() {
    startAndGet(SHOP);
    controller.goAway();
    Await.until(() -> assertThat(node().status().connected()).isFalse());
    clock.pass(Duration.ofHours(20));
    node().identities.wake();
    Await.until(() -> {
      assertThat(node().status().failure()).contains("unreachable", controller.address());
      assertThat(node().status().failingSinceOrNull()).isNotNull();
    });
    assertThat(node().identities.of(SHOP)).isPresent();

    clock.pass(Duration.ofHours(5));
    assertThat(node().identities.of(SHOP)).isEmpty();
    assertThat(node().certificate(SHOP).state()).isEqualTo(State.EXPIRED);
    assertThat(node().status().expired()).isEqualTo(1);
  }

  @Test
  void goesOnWhereItWasWhenTheControllerIsBack() {
    startAndGet(SHOP);
    controller.goAway();
    Await.until(() -> assertThat(node().status().failure()).contains("unreachable"));
    node().want(SHOP, BANK);
    controller.comeBack();
    Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
    Await.until(() -> {
      assertThat(node().status().connected()).isTrue();
      assertThat(node().status().failure()).isEmpty();
      assertThat(node().status().failingSinceOrNull()).isNull();
    });
    assertThat(controller.admissions).hasValue(1);
  }

  /** Nobody has to go to the site with another token. */
  @Test
  void isAdmittedByItsOneTokenThoughTheFirstAnswersAreLost() {
    controller.losing.set(2);

    startAndGet(SHOP);

    assertThat(controller.losing).hasValue(0);
    assertThat(controller.admissions).hasValue(1);
  }

  @Test
  void slowControllerCostsTheDeadlineAndNoMore() {
    startAndGet(SHOP);
    CountDownLatch gate = new CountDownLatch(1);
    controller.gate = gate;
    node().want(SHOP, BANK);
    Await.until(() -> assertThat(node().results()).contains("timeout"));
    assertThat(node().identities.of(SHOP)).isPresent();
    gate.countDown();
    Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
  }

  @ParameterizedTest
  @CsvSource({
    "UNAVAILABLE, authority_unavailable",
    "RESOURCE_EXHAUSTED, overloaded",
    "PERMISSION_DENIED, permission_denied",
    "INVALID_ARGUMENT, refused",
    "INTERNAL, bad_answer"
  })
  void triesAgainWithGrowingPausesAndTellsTheReason(Status.Code code, String reason) {
    startAndGet(SHOP);
    int before = controller.attempts.get();
    Instant begin = Instant.now();
    controller.failing = code.toStatus().withDescription("come\nlater");
    node().want(SHOP, BANK);
    Await.until(() -> {
      assertThat(node().certificate(BANK).problem()).contains(reason, "told_so", "come?later");
      assertThat(controller.attempts.get()).isGreaterThan(before + 2);
    });
    // The pauses are half a second, one, two at the least.
    assertThat(Duration.between(begin, Instant.now())).isGreaterThan(Duration.ofMillis(1_400));
    assertThat(node().identities.of(SHOP)).isPresent();
    controller.failing = Status.OK;
    Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
  }

  static Stream<TestController.Issuing> garbage() {
    TestAuthority right = new TestAuthority(SITE);
    return Stream.of(
        (identity, key) -> right.issue(identity, key, Duration.ofHours(1)), // another root
        (identity, key) -> List.of(),
        (identity, key) -> List.of(right.root));
  }

  @ParameterizedTest
  @MethodSource("garbage")
  void chainsThatProveNothingAreNotUsed(TestController.Issuing issuing) {
    assertNotUsed(issuing, "bad_answer");
  }

  @Test
  void certificateOfSomebodyElseIsNotUsed() {
    assertNotUsed((identity, key) -> issue(SHOP, key), "bad_answer");
  }

  @Test
  void certificateForAnotherKeyIsNotUsed() {
    assertNotUsed(
        (identity, key) -> issue(identity, SigningRequests.newKey().getPublic()), "bad_answer");
  }

  @Test
  void certificateThatHasEndedIsNotUsed() {
    Instant now = Instant.now();
    assertNotUsed(
        (identity, key) ->
            authority.issue(
                identity, key, now.minus(Duration.ofHours(2)), now.minus(Duration.ofHours(1))),
        "clock");
  }

  private List<X509Certificate> issue(SpiffeId identity, PublicKey key) {
    return authority.issue(identity, key, Duration.ofHours(1));
  }

  private void assertNotUsed(TestController.Issuing issuing, String reason) {
    startAndGet(SHOP);
    TestController.Issuing good = controller.issuing;
    controller.issuing = issuing;
    node().want(SHOP, BANK);
    Await.until(() -> assertThat(node().certificate(BANK).problem()).contains(reason));
    assertThat(node().identities.of(BANK)).isEmpty();
    assertThat(node().identities.of(SHOP)).isPresent();
    controller.issuing = good;
    Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
  }

  @ParameterizedTest
  @CsvSource({"PT-10M, not_used", "PT10M, used"})
  void clockThatIsTenMinutesOffIsToldAndRecoveredFrom(Duration off, String outcome) {
    startAndGet(SHOP);
    clock.jump(off);
    node().want(SHOP, BANK);
    node().identities.wake();
    if (outcome.equals("used")) {
      Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
    } else {
      Await.until(() ->
          assertThat(node().certificate(BANK).problem()).contains("clock", "compare the clocks"));
    }
    assertThat(node().identities.of(SHOP)).isPresent();
    clock.jump(off.negated());
    Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
  }

  @Test
  void clockAheadOfShortLivesIsTold() {
    startAndGet(SHOP);
    controller.life = Duration.ofMinutes(1);
    clock.jump(Duration.ofMinutes(10));
    node().want(SHOP, BANK);
    Await.until(() ->
        assertThat(node().certificate(BANK).problem()).contains("clock", "compare the clocks"));
    clock.jump(Duration.ofMinutes(-10));
    Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
  }

  @Test
  void tokenOfAnotherAuthorityIsNotShownToAnybody() {
    TestAuthority other = new TestAuthority(SITE);
    try (TestController impostor = new TestController(other)) {
      started(TestNode.start(directory, impostor.address(), false, clock));
      Await.until(() ->
          assertThat(node().status().failure()).contains("untrusted_controller", "join token"));
      assertThat(impostor.attempts).hasValue(0);
    }
  }

  @Test
  void controllerOfAnotherTrustDomainIsRefusedAfterTheFirst() {
    startAndGet(SHOP);
    controller.goAway();
    // The same root, but it calls itself another domain's.
    TestAuthority renamed = new TestAuthority(new TrustDomain("other.example"));
    controller.comeBack(renamed);
    Await.until(() -> assertThat(node().status().failure()).contains("untrusted_controller"));
    assertThat(node().status().trustDomainOrNull()).isEqualTo(SITE);
    assertThat(node().identities.of(SHOP)).isPresent();
  }

  @Test
  void usedTokenOfARefusedNodeIsNotTriedAgain() {
    startAndGet(SHOP);
    controller.failing = Status.UNAUTHENTICATED;
    node().want(SHOP, BANK);
    Await.until(() -> assertThat(node().results()).contains("unauthenticated", "no_token"));
    assertThat(node().certificate(BANK).problem()).contains("unauthenticated");
    controller.failing = Status.OK;
    Await.until(() -> assertThat(node().identities.of(BANK)).isPresent());
    assertThat(controller.admissions).hasValue(1);
  }

  @Test
  void missingTokenIsTold() {
    TestNode.write(directory, "token", "nonsense");
    startNode();
    Await.until(() ->
        assertThat(node().status().failure())
            .contains("no_token", "token", "sluice control token --node NAME"));
    assertThat(node().status().validUntil()).isEmpty();
    TestNode.write(directory, "token", controller.token("two"));
    Await.until(() -> assertThat(controller.admissions).hasValue(1));
  }
}
