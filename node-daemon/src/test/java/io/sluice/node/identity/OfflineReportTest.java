package io.sluice.node.identity;

import static io.sluice.node.identity.TestNode.BANK;
import static io.sluice.node.identity.TestNode.SHOP;
import static io.sluice.node.identity.TestNode.SITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidReason;
import io.sluice.mesh.svid.SvidRefused;
import io.sluice.node.identity.CertificateStatus.State;
import io.sluice.node.identity.OfflineReport.End;
import io.sluice.node.identity.store.CredentialStore;
import io.sluice.node.identity.x509.SigningRequests;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What is said to end is what ends, at the moment that is said; the clock is the test's. */
class OfflineReportTest extends ControlledNodeTest {
  private static final End SNAPSHOT = new End("snapshot", "-", null, "", "-");
  private static final String NODE = SystemIdentity.node(SITE, "edge1").toString();

  private OfflineReport report() {
    return OfflineReport.of(node().identities, SNAPSHOT);
  }

  private OfflineReport kept(Instant now) {
    Path state = TestNode.state(directory);
    return OfflineReport.ofKept(state, CredentialStore.usualKeyFile(state), SNAPSHOT, () -> now);
  }

  /** Names of certificates that can be used; of pods, as the data plane asks. */
  private Set<String> working() {
    Set<String> working = new TreeSet<>();
    for (CertificateStatus one : node().identities.certificates()) {
      boolean usable =
          SystemIdentity.isSystem(one.identity())
              ? one.state() == State.VALID
              : node().identities.of(one.identity()).isPresent();
      if (usable) {
        working.add(one.identity().toString());
      }
    }
    return working;
  }

  private List<End> timed() {
    return report().ends().stream().filter(end -> end.untilOrNull() != null).toList();
  }

  @Test
  void aMinuteBeforeAllWorksAndAMinuteAfterExactlyTheNamedThingHasEnded() {
    controller.life = Duration.ofHours(2);
    controller.nodeLife = Duration.ofHours(4);
    startNode();
    node().want(SHOP);
    awaitUsable(SHOP);
    controller.life = Duration.ofHours(6);
    node().want(SHOP, BANK);
    awaitUsable(BANK);
    controller.goAway();

    List<End> ends = timed();
    assertThat(ends)
        .extracting(End::subject)
        .containsExactly(SHOP.toString(), NODE, BANK.toString(), Certificates.id(authority.root));
    assertThat(report().toJson().path("first").asText()).isEqualTo("certificate " + SHOP);
    Set<String> expected = new TreeSet<>(Set.of(SHOP.toString(), NODE, BANK.toString()));
    for (End end : ends.subList(0, 3)) {
      Instant until = end.untilOrNull();
      assertThat(until).isNotNull();
      clock.jump(Duration.between(clock.instant(), until).minusMinutes(1));
      assertThat(timed()).contains(end);
      assertThat(working()).as("a minute before %s", end).isEqualTo(expected);

      clock.jump(Duration.ofMinutes(2));
      expected.remove(end.subject());
      assertThat(working()).as("a minute after %s", end).isEqualTo(expected);
      clock.jump(Duration.ofMinutes(-1));
    }
  }

  @Test
  void theLinkToEachOtherMeshEndsByItselfWhenItsLastRootDoes() {
    controller.life = Duration.ofDays(30);
    controller.nodeLife = Duration.ofDays(40);
    Map<TrustDomain, TestAuthority> others = new LinkedHashMap<>();
    TrustBundle bundle = TestController.bundle(2, SITE, authority.root);
    for (int hours : List.of(10, 20)) {
      TrustDomain domain = new TrustDomain("partner-" + hours + ".example");
      others.put(domain, new TestAuthority(domain, Duration.ofHours(hours)));
      bundle = TrustBundleTest.federating(bundle, domain, others.get(domain).root);
    }
    startNode();
    controller.publish(bundle);
    node().want(SHOP);
    awaitUsable(SHOP);
    Await.until(() -> assertThat(believed(others)).hasSize(2));
    controller.goAway();

    Set<String> expected = new TreeSet<>(believed(others));
    List<End> links = timed().subList(0, 2);
    assertThat(links).extracting(End::what).containsOnly("federated-mesh");
    assertThat(links).extracting(End::subject).containsExactlyElementsOf(expected);
    assertThat(kept(clock.instant()).ends()).containsAll(links);
    for (End link : links) {
      clock.jump(Duration.between(clock.instant(), link.untilOrNull()).minusMinutes(1));
      assertThat(believed(others)).as("a minute before %s", link).isEqualTo(expected);

      clock.jump(Duration.ofMinutes(2).plusSeconds(1));
      expected.remove(link.subject());
      assertThat(believed(others)).as("a minute after %s", link).isEqualTo(expected);
      assertThat(working()).containsExactlyInAnyOrder(SHOP.toString(), NODE);
    }
  }

  /** Names of the meshes whose pods prove themselves to a pod of the node. */
  private Set<String> believed(Map<TrustDomain, TestAuthority> others) {
    SvidJudge judge = new SvidJudge(node().identities.federated().roots());
    Set<String> believed = new TreeSet<>();
    others.forEach((domain, mesh) -> {
      List<X509Certificate> chain =
          mesh.issue(
              new SpiffeId(domain, "a", "b"),
              SigningRequests.newKey().getPublic(),
              Duration.ofDays(60));
      try {
        judge.prove(chain, Set.of(SvidJudge.Purpose.CLIENT), clock.instant());
        believed.add(domain.name());
      } catch (SvidRefused e) {
        assertThat(e.reason()).isIn(SvidReason.EXPIRED, SvidReason.FOREIGN_TRUST_DOMAIN);
      }
    });
    return believed;
  }

  @Test
  void extendingGetsAnotherOfEveryCertificateAndWithoutAControllerKeepsWhatIsThere() {
    startNode();
    node().want(SHOP, BANK);
    awaitUsable(SHOP);
    awaitUsable(BANK);
    List<String> before = serials();

    node().identities.renewAll();
    Await.until(() -> assertThat(serials()).hasSize(3).doesNotContainAnyElementsOf(before));

    controller.goAway();
    List<String> last = serials();
    node().identities.renewAll();
    Await.until(() -> assertThat(node().status().failure()).isNotEmpty());
    assertThat(serials()).isEqualTo(last);
    assertThat(working()).hasSize(3);
  }

  private List<String> serials() {
    return node().identities.certificates().stream()
        .flatMap(one -> one.facts().stream())
        .map(CertificateStatus.Facts::serial)
        .toList();
  }

  @Test
  void whatTheDiskHasTellsTheSameOfTheNodeAndOfPodsNothingThatWasNotKept() {
    startNode();
    node().want(SHOP);
    awaitUsable(SHOP);
    Instant until =
        node().certificate(SystemIdentity.node(SITE, "edge1")).facts().orElseThrow().notAfter();
    Await.until(() -> assertThat(kept(clock.instant()).first().map(End::subject)).contains(NODE));
    assertThat(kept(clock.instant()).first().map(End::untilOrNull)).contains(until);
    assertThat(kept(clock.instant()).ends())
        .extracting(End::what)
        .containsExactly("node-certificate", "root", "keys", "snapshot");
    assertThat(kept(until.plusSeconds(60)).toJson().path("ends").get(0).path("remaining").asText())
        .isEqualTo("ended");
  }
}
