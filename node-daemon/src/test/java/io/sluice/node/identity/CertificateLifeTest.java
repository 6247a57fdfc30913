package io.sluice.node.identity;

import static io.sluice.node.identity.TestNode.BANK;
import static io.sluice.node.identity.TestNode.SHOP;
import static io.sluice.node.identity.TestNode.SITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.identity.CertificateStatus.State;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.proxy.tls.Pems;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** From admission to renewal, against a controller over real TLS. */
class CertificateLifeTest extends ControlledNodeTest {
  @Test
  void admitsItselfWithTheTokenAndGetsWhatItsPodsNeed() {
    startNode();
    node().want(SHOP, BANK);
    awaitUsable(SHOP);
    awaitUsable(BANK);

    assertThat(node().identities.of(SHOP).orElseThrow().identity()).isEqualTo(SHOP);
    assertThat(controller.admissions).hasValue(1);
    assertThat(controller.callers).containsExactly(SystemIdentity.node(SITE, "edge1").toString());
    assertThat(node().identities.certificates())
        .extracting(CertificateStatus::identity)
        .containsExactly(SystemIdentity.node(SITE, "edge1"), BANK, SHOP);
    assertThat(node().certificate(SHOP).facts().orElseThrow().rootId())
        .isEqualTo(Certificates.id(authority.root));
    Await.until(() -> assertThat(node().status().connected()).isTrue());
    assertThat(node().status().validUntil()).isPresent();
    assertThat(node().status().failure()).isEmpty();
  }

  @Test
  void neverAsksForIdentitiesOfTheMeshItself() {
    startNode();
    node().want(SHOP, SystemIdentity.controller(SITE));
    awaitUsable(SHOP);
    assertThat(controller.issued).containsExactly(SHOP);
    assertThat(node().identities.of(SystemIdentity.controller(SITE))).isEmpty();
  }

  @Test
  void renewsAroundHalfLifeAndNewHandshakesUseIt() {
    startNode();
    node().want(SHOP);
    awaitUsable(SHOP);
    String first = node().serial(SHOP);
    String nodeFirst = node().serial(SystemIdentity.node(SITE, "edge1"));
    var tls = node().identities.of(SHOP).orElseThrow();

    clock.pass(Duration.ofMinutes((long) (24 * 60 * 0.44)));
    node().identities.wake();
    assertThat(node().serial(SHOP)).isEqualTo(first);
    clock.pass(Duration.ofMinutes((long) (24 * 60 * 0.12)));
    node().identities.wake();

    Await.until(() -> assertThat(node().serial(SHOP)).isNotEqualTo(first));
    Await.until(() ->
        assertThat(node().serial(SystemIdentity.node(SITE, "edge1"))).isNotEqualTo(nodeFirst));
    assertThat(node().identities.of(SHOP)).containsSame(tls);
    Await.until(() -> assertThat(node().status().connected()).isTrue());
  }

  @Test
  void renewsCertificatesOfShortLifeAgainAndAgain() {
    controller.life = Duration.ofSeconds(4);
    controller.nodeLife = Duration.ofSeconds(4);
    startNode();
    node().want(SHOP);
    awaitUsable(SHOP);
    Await.until(() -> {
      assertThat(controller.issued).hasSizeGreaterThan(4);
      assertThat(controller.renewals.get()).isGreaterThan(3);
    });
    assertThat(node().identities.of(SHOP)).isPresent();
    assertThat(node().results()).containsExactly(RequestCounts.ISSUED);
  }

  @Test
  void isOneModestClientWhenHundredsOfPodsAreNew() {
    startNode();
    node().identities.want(identities("pod", 300), identity -> false);
    Await.until(() -> assertThat(node().status().valid()).isEqualTo(300));
    assertThat(controller.mostConcurrent.get()).isBetween(2, IdentityKeeper.MOST_IN_FLIGHT);
    assertThat(controller.issued).hasSize(300);
  }

  @Test
  void newPodsComeBeforeRenewals() {
    startNode();
    Set<SpiffeId> old = identities("old", 10);
    node().identities.want(old, identity -> false);
    Await.until(() -> assertThat(node().status().valid()).isEqualTo(10));
    int before = controller.issued.size();

    CountDownLatch gate = new CountDownLatch(1);
    controller.gate = gate;
    clock.pass(Duration.ofHours(15));
    node().identities.wake();
    Await.until(() -> assertThat(controller.concurrent).hasValue(IdentityKeeper.MOST_IN_FLIGHT));
    Set<SpiffeId> wanted = identities("new", 20);
    wanted.addAll(old);
    node().identities.want(wanted, identity -> false);
    gate.countDown();

    Await.until(() -> assertThat(controller.issued).hasSize(before + 30));
    // One of those that waited at the gate was the node's own; the rest of the old come last.
    assertThat(controller.issued.subList(before, before + 20))
        .filteredOn(old::contains)
        .hasSizeLessThan(IdentityKeeper.MOST_IN_FLIGHT);
  }

  private static Set<SpiffeId> identities(String name, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> new SpiffeId(SITE, "load", name + "-" + i))
        .collect(Collectors.toSet());
  }

  @Test
  void forgetsIdentitiesHalfAMinuteAfterTheirLastPod() {
    startNode();
    node().want(SHOP, BANK);
    awaitUsable(SHOP);
    awaitUsable(BANK);

    SpiffeId next = new SpiffeId(SITE, "shop", "next");
    node().identities.want(Set.of(SHOP, next), identity -> true);
    awaitUsable(next); // so the list was taken
    clock.pass(Duration.ofSeconds(31));
    SpiffeId last = new SpiffeId(SITE, "shop", "last");
    node().identities.want(Set.of(SHOP, next, last), identity -> true);
    awaitUsable(last);
    assertThat(node().identities.of(BANK)).as("a pod still uses it").isPresent();

    node().identities.want(Set.of(SHOP), identity -> false);
    Await.until(() -> assertThat(node().identities.of(BANK)).isEmpty());
    assertThat(node().identities.of(SHOP)).isPresent();
    assertThat(node().identities.certificates())
        .extracting(CertificateStatus::identity)
        .doesNotContain(BANK);
  }

  @Test
  void theTrustDomainOfCertificatesIsTheControllersWhateverTheRegistrySays() {
    SpiffeId named = SHOP.in(new TrustDomain("elsewhere.example"));
    startNode();
    node().want(named);
    awaitUsable(SHOP);

    assertThat(node().identities.of(named).orElseThrow().identity()).isEqualTo(SHOP);
    assertThat(node().certificate(SHOP).state()).isEqualTo(State.VALID);
    assertThat(controller.issued).containsExactly(SHOP);
  }

  @Test
  void serviceAccountTokenAdmitsAgainWhenTheCertificateHasEnded() throws Exception {
    controller.acceptAlways("eyJ.service.account");
    TestNode.write(directory, "sa", "eyJ.service.account\n");
    TestNode.write(directory, "roots.pem", Pems.of(authority.root));
    started(
        TestNode.start(
            directory,
            new ControlSettings(
                ControlAddress.parse(controller.address()),
                new Admission.ServiceAccountToken(
                    directory.resolve("sa"), directory.resolve("roots.pem")),
                false,
                null),
            clock));
    node().want(SHOP);
    awaitUsable(SHOP);
    controller.goAway();
    controller.life = Duration.ofHours(240);
    controller.nodeLife = Duration.ofHours(240);
    clock.pass(Duration.ofHours(25));
    node().identities.wake();
    Await.until(() -> assertThat(node().identities.of(SHOP)).isEmpty());

    controller.comeBack();
    awaitUsable(SHOP);
    assertThat(controller.admissions).hasValue(2);
    assertThat(node().certificate(SHOP).facts().orElseThrow().notAfter()).isAfter(Instant.now());
  }
}
