package io.sluice.node.identity;

import static io.sluice.node.identity.TestController.bundle;
import static io.sluice.node.identity.TestNode.SHOP;
import static io.sluice.node.identity.TestNode.SITE;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.sluice.api.identity.v1.FederatedBundle;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.identity.x509.SigningRequests;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How the trust bundle is followed, and when it is not. */
class TrustBundleTest {
  private static final TrustDomain PARTNER = new TrustDomain("partner.example");
  private static final TestAuthority NEXT = new TestAuthority(SITE);
  private static final TestAuthority PARTNERS = new TestAuthority(PARTNER);

  @TempDir private Path directory;
  private TestAuthority authority;
  private TestController controller;
  private TestNode node;

  @BeforeEach
  void start() {
    authority = new TestAuthority(SITE);
    controller = new TestController(authority);
    TestNode.write(directory, "token", controller.token("one"));
    node = TestNode.start(directory, controller.address(), false, new TestClock());
    node.want(SHOP);
    Await.until(() -> assertThat(node.identities.of(SHOP)).isPresent());
    Await.until(() -> assertThat(node.status().connected()).isTrue());
  }

  @AfterEach
  void stop() {
    node.close();
    controller.close();
  }

  private void awaitRoots(X509Certificate... roots) {
    Await.until(() ->
        assertThat(node.status().rootIds())
            .containsExactly(Stream.of(roots).map(Certificates::id).toArray(String[]::new)));
  }

  @Test
  void rotationInTwoStepsIsFollowedAndOldCertificatesAreReplaced() {
    String first = node.serial(SHOP);
    controller.publish(bundle(2, SITE, authority.root, NEXT.root));
    awaitRoots(authority.root, NEXT.root);
    assertThat(node.serial(SHOP)).as("still covered").isEqualTo(first);

    controller.issuing = (identity, key) -> NEXT.issue(identity, key, controller.life);
    controller.publish(bundle(3, SITE, NEXT.root));
    awaitRoots(NEXT.root);
    Await.until(() -> assertThat(node.serial(SHOP)).isNotEqualTo(first));
    assertThat(node.certificate(SHOP).facts().orElseThrow().rootId())
        .isEqualTo(Certificates.id(NEXT.root));
    assertThat(node.status().bundleGeneration()).isEqualTo(3);
    assertThat(node.status().bundleProblem()).isEmpty();
  }

  @Test
  void aTrustDomainIsChangedInThreeStepsAndNoCertificateIsAwayMeanwhile() {
    TrustDomain next = new TrustDomain("site-7.example");
    controller.publish(withOther(bundle(1, SITE, authority.root), next));
    awaitDomains(SITE, next);
    String first = node.serial(SHOP);

    node.want(SHOP.in(next)); // the registry names the next one from the beginning
    assertThat(node.identities.of(SHOP)).isPresent().isEqualTo(node.identities.of(SHOP.in(next)));
    assertThat(node.serial(SHOP)).as("the former, until the other is issued").isEqualTo(first);

    var tls = node.identities.of(SHOP).orElseThrow();
    controller.gate = new CountDownLatch(1);
    controller.publish(withOther(bundle(2, next, authority.root), SITE));
    awaitDomains(next, SITE);
    assertThat(node.identities.of(SHOP.in(next)).orElseThrow().identity()).isEqualTo(SHOP);
    controller.gate.countDown();
    Await.until(() -> assertThat(tls.identity()).isEqualTo(SHOP.in(next)));
    Await.until(() ->
        assertThat(node.identities.certificates())
            .extracting(CertificateStatus::identity)
            .containsExactly(SystemIdentity.node(next, "edge1"), SHOP.in(next)));

    controller.publish(bundle(3, next, authority.root));
    awaitDomains(next);
    assertThat(node.identities.of(SHOP)).isPresent();
    assertThat(node.status().bundleProblem()).isEmpty();
    assertThat(node.status().trustDomainOrNull()).isEqualTo(next);
    assertThat(controller.admissions).hasValue(1);
  }

  @Test
  void whoFollowsInItsPlaceAgainAndAgainIsTroubleAndNoChangeOfACertificate() {
    controller.supersedeAll();

    Await.until(() -> assertThat(node.status().failure()).contains("replaced"));
    controller.superseding = false;
    Await.until(() -> assertThat(node.status().failure()).isEmpty());
  }

  private static TrustBundle withOther(TrustBundle bundle, TrustDomain other) {
    return bundle.toBuilder().addOtherTrustDomains(other.name()).build();
  }

  private void awaitDomains(TrustDomain... domains) {
    Await.until(() -> assertThat(node.identities.domains()).containsExactly(domains));
  }

  static Stream<TrustBundle> unacceptable() {
    return Stream.of(
        bundle(2, SITE, NEXT.root), bundle(2, new TrustDomain("other.example"), NEXT.root));
  }

  @Tag("attack")
  @ParameterizedTest
  @MethodSource("unacceptable")
  void bundleWithoutAKnownRootIsRefusedLoudly(TrustBundle next) {
    controller.publish(next);
    Await.until(() -> assertThat(node.status().bundleProblem()).contains("is refused"));
    awaitRoots(authority.root);
    assertThat(node.identities.of(SHOP)).isPresent();

    controller.publish(bundle(3, SITE, authority.root, NEXT.root));
    awaitRoots(authority.root, NEXT.root);
    assertThat(node.status().bundleProblem()).isEmpty();

    Attack.tried("a trust bundle without a known root, of " + next.getTrustDomain())
        .refusedBy("the daemon: its roots stay")
        .countedAs("the daemon's status: the bundle's problem");
  }

  @Tag("attack")
  @Test
  void theSameRootsUnderAnotherTrustDomainAreRefused() {
    controller.publish(bundle(2, new TrustDomain("other.example"), authority.root));
    Await.until(() ->
        assertThat(node.status().bundleProblem())
            .contains("is refused", "other.example", SITE.name()));
    assertThat(node.status().trustDomainOrNull()).isEqualTo(SITE);
    assertThat(node.status().bundleGeneration()).isEqualTo(1);
    assertThat(node.identities.of(SHOP)).isPresent();

    Attack.tried("the known roots under another trust domain")
        .refusedBy("the daemon: its trust domain stays")
        .countedAs("the daemon's status: the bundle's problem");
  }

  @Tag("attack")
  @Test
  void olderBundleIsRefused() {
    controller.publish(bundle(5, SITE, authority.root, NEXT.root));
    awaitRoots(authority.root, NEXT.root);
    controller.publish(bundle(4, SITE, authority.root));
    Await.until(() -> assertThat(node.status().bundleProblem()).contains("older"));
    awaitRoots(authority.root, NEXT.root);

    Attack.tried("an older trust bundle, replayed")
        .refusedBy("the daemon: the newer stays")
        .countedAs("the daemon's status: the bundle's problem");
  }

  @Test
  void rootsOfOtherMeshesAreFollowedKeptAndKnownAgainAfterARestart() {
    AtomicInteger told = new AtomicInteger();
    node.identities.onChangedTrust(told::incrementAndGet);
    controller.publish(federating(bundle(1, SITE, authority.root), PARTNER, NEXT.root));
    awaitFederated(PARTNER);
    Await.until(() -> assertThat(told).hasValue(1));

    controller.publish(bundle(2, SITE, authority.root, NEXT.root)); // a controller that cannot tell
    awaitRoots(authority.root, NEXT.root);
    awaitFederated(PARTNER);

    node.close();
    node = TestNode.start(directory, controller.address(), false, new TestClock());
    assertThat(node.status().federated()).containsExactly(PARTNER.name());

    controller.publish(
        bundle(2, SITE, authority.root, NEXT.root).toBuilder().setFederationKnown(true).build());
    awaitFederated();
  }

  /** Another controller of the same authority, whose generations begin at its own start. */
  @Tag("attack")
  @Test
  void aWithdrawnMeshIsForgottenWhoeverOfTheControllersSaysSo() {
    controller.publish(federating(bundle(100, SITE, authority.root), PARTNER, NEXT.root));
    awaitFederated(PARTNER);

    controller.publish(knowing(bundle(50, SITE, authority.root)));
    awaitFederated();
    assertThat(node.status().bundleGeneration()).as("its own roots are no older").isEqualTo(100);
    assertThat(node.status().bundleProblem()).isEmpty();

    TrustDomain next = new TrustDomain("site-7.example");
    controller.publish(withOther(knowing(bundle(101, SITE, authority.root)), next));
    awaitDomains(SITE, next);
    controller.publish(
        federating(
            federating(bundle(51, SITE, authority.root), next, NEXT.root), PARTNER, PARTNERS.root));
    awaitFederated(PARTNER);
    awaitDomains(SITE, next);

    Attack.tried("another mesh after its roots were taken away, at the next controller")
        .refusedBy("the daemon: what the controller says of other meshes counts, by any generation")
        .countedAs("the daemon's status: trustBundleFederated");
  }

  /** Nothing may be kept that cannot be read again, or the node has lost itself. */
  @Test
  void aMeshWhoseTrustDomainBecomesOursIsAnothersNoMore() {
    controller.publish(federating(bundle(1, SITE, authority.root), PARTNER, NEXT.root));
    awaitFederated(PARTNER);

    controller.publish(withOther(bundle(2, SITE, authority.root), PARTNER)); // it cannot tell
    awaitDomains(SITE, PARTNER);
    awaitFederated();

    node.close();
    node = TestNode.start(directory, controller.address(), false, new TestClock());
    assertThat(node.status().bundleGeneration()).isEqualTo(2);
    assertThat(node.status().storeProblem()).isEmpty();
    awaitFederated();
  }

  private static TrustBundle knowing(TrustBundle bundle) {
    return bundle.toBuilder().setFederationKnown(true).build();
  }

  private void awaitFederated(TrustDomain... domains) {
    Await.until(() ->
        assertThat(node.status().federated())
            .containsExactly(Stream.of(domains).map(TrustDomain::name).toArray(String[]::new)));
  }

  static TrustBundle federating(TrustBundle bundle, TrustDomain other, X509Certificate root) {
    try {
      return bundle.toBuilder()
          .setFederationKnown(true)
          .addFederated(
              FederatedBundle.newBuilder()
                  .setTrustDomain(other.name())
                  .addRoots(ByteString.copyFrom(root.getEncoded())))
          .build();
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Certificate leaf(TestAuthority authority) {
    return authority
        .issue(SHOP, SigningRequests.newKey().getPublic(), Duration.ofHours(1))
        .getFirst();
  }

  static Stream<TrustBundle> garbage() {
    TestAuthority other = new TestAuthority(SITE);
    return Stream.of(
        TrustBundle.getDefaultInstance(),
        bundle(2, SITE),
        bundle(2, SITE, other.root, other.intermediate),
        bundle(2, SITE, Collections.nCopies(9, other.root).toArray(X509Certificate[]::new)),
        withOther(
            withOther(bundle(2, SITE, other.root), new TrustDomain("a.example")),
            new TrustDomain("b.example")),
        federating(bundle(2, SITE, other.root), SITE, NEXT.root),
        federating(
            federating(bundle(2, SITE, other.root), PARTNER, NEXT.root), PARTNER, other.root),
        federating(bundle(2, SITE, other.root), PARTNER, leaf(other)),
        bundle(2, SITE, other.root).toBuilder()
            .addRoots(ByteString.copyFromUtf8("not a certificate"))
            .build());
  }

  @ParameterizedTest
  @MethodSource("garbage")
  void garbageChangesNothing(TrustBundle next) {
    controller.publish(next);
    Await.until(() -> assertThat(node.status().failure()).contains("bad_answer"));
    awaitRoots(authority.root);
    assertThat(node.identities.of(SHOP)).isPresent();

    controller.publish(bundle(2, SITE, authority.root, NEXT.root));
    awaitRoots(authority.root, NEXT.root);
    Await.until(() -> assertThat(node.status().failure()).isEmpty());
  }
}
