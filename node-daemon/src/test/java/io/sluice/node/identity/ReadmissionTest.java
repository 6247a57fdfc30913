package io.sluice.node.identity;

import static io.sluice.node.identity.TestNode.SHOP;
import static io.sluice.node.identity.TestNode.SITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.store.MeshMark;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A node whose controller comes back with another root, and one where only its address is his. */
@Order(2)
class ReadmissionTest extends ControlledNodeTest {
  private static final String ACCOUNT_TOKEN = "account-token";
  private final List<String> former = new CopyOnWriteArrayList<>();

  /** As in Kubernetes: by a token of its account, and the ConfigMap of the roots. */
  private void startByAccount() {
    roots("first", authority.root);
    TestNode.write(directory, "account", ACCOUNT_TOKEN);
    controller.acceptAlways(ACCOUNT_TOKEN);
    restartByAccount();
    node().identities.onReplacedRoots(former::addAll);
    node().want(SHOP);
    awaitUsable(SHOP);
    Await.until(() -> assertThat(node().status().connected()).isTrue());
  }

  private void restartByAccount() {
    started(
        TestNode.start(
            directory,
            new ControlSettings(
                ControlAddress.parse(controller.address()),
                new Admission.ServiceAccountToken(
                    directory.resolve("account"), directory.resolve("roots.pem")),
                false,
                null),
            clock));
  }

  private void roots(String meshId, X509Certificate... roots) {
    StringWriter pem = new StringWriter();
    try (JcaPEMWriter out = new JcaPEMWriter(pem)) {
      for (X509Certificate root : roots) {
        out.writeObject(root);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    TestNode.write(directory, "roots.pem", pem.toString());
    TestNode.write(directory, "mesh-id", meshId + "\n");
  }

  /** Somebody at the address of the controller, which is away. */
  private TestController inItsPlace(TestAuthority other) {
    controller.goAway();
    TestController present =
        new TestController(other, other, ControlAddress.parse(controller.address()).port());
    present.acceptAlways(ACCOUNT_TOKEN);
    return present;
  }

  private void awaitDisbelief() {
    Await.until(() ->
        assertThat(node().status().failure()).contains("untrusted_controller", "not admitted"));
    assertThat(node().identities.estrangement())
        .hasValueSatisfying(why -> assertThat(why).contains("untrusted_controller"));
  }

  private void awaitAdmittedBy(TestAuthority other) {
    Await.until(
        () -> assertThat(node().status().rootIds()).containsExactly(Certificates.id(other.root)));
    Await.until(() ->
        assertThat(node().certificate(SHOP).facts().orElseThrow().rootId())
            .isEqualTo(Certificates.id(other.root)));
    Await.until(() -> assertThat(node().status().connected()).isTrue());
    assertThat(node().status().failure()).isEmpty();
    assertThat(node().identities.estrangement()).isEmpty();
  }

  @Test
  void aNewRootInTheConfigMapAdmitsTheNodeAnew() {
    startByAccount();
    TestAuthority next = new TestAuthority(SITE);
    try (TestController present = inItsPlace(next)) {
      awaitDisbelief();
      assertThat(present.attempts).as("the token is shown to nobody").hasValue(0);

      roots("second", next.root);

      awaitAdmittedBy(next);
      assertThat(present.admissions).hasValue(1);
      assertThat(former).containsExactly(Certificates.id(authority.root));
      assertThat(node().identities.mesh())
          .isEqualTo(
              new MeshMark("second", SITE.name(), Set.of(Certificates.fingerprint(next.root))));
    }
  }

  /** A mesh that was installed anew may also have another trust domain. */
  @Test
  void aNewRootMayBringAnotherTrustDomain() {
    startByAccount();
    TestAuthority next = new TestAuthority(new TrustDomain("other.example"));
    try (TestController present = inItsPlace(next)) {
      awaitDisbelief();
      roots("second", next.root);

      Await.until(() -> assertThat(node().status().trustDomainOrNull()).isEqualTo(next.domain));
      assertThat(present.admissions).hasValue(1);
    }
  }

  @Tag("attack")
  @Test
  void whoeverAnswersAtTheAddressIsNothingWithoutTheConfigMap() {
    startByAccount();
    String serial = node().serial(SHOP);
    try (TestController stranger = inItsPlace(new TestAuthority(SITE))) {
      awaitDisbelief();
      assertThat(stranger.attempts).hasValue(0);
      assertThat(node().serial(SHOP)).isEqualTo(serial);
      assertThat(node().status().rootIds()).containsExactly(Certificates.id(authority.root));
    }
    controller.comeBack();

    Await.until(() -> assertThat(node().status().connected()).isTrue());
    assertThat(node().identities.estrangement()).isEmpty();
    assertThat(controller.admissions).as("it was never another's").hasValue(1);

    Attack.tried("a stranger who answers at the controller's address")
        .refusedBy("the daemon: no root of the ConfigMap is his, and he is shown no token")
        .countedAs("sluice_identity_requests_total{result=\"untrusted_controller\"}");
  }

  /** The domain of the node holds while one of its roots does: others may share a root. */
  @Tag("attack")
  @Test
  void aRootBesideTheOldOneBringsNoOtherTrustDomain() {
    startByAccount();
    TestAuthority other = new TestAuthority(new TrustDomain("other.example"));
    try (TestController stranger = inItsPlace(other)) {
      roots("first", authority.root, other.root);

      Await.until(() ->
          assertThat(node().status().failure())
              .contains("untrusted_controller", "admission", "other.example"));
      assertThat(stranger.attempts).hasValue(0);
      assertThat(node().status().trustDomainOrNull()).isEqualTo(SITE);
    }

    Attack.tried("a controller of another trust domain below a root that is trusted too")
        .refusedBy("the daemon: its trust domain stays while a root of its own does")
        .countedAs("sluice_identity_requests_total{result=\"untrusted_controller\"}");
  }

  @Test
  void withoutKubernetesANewJoinTokenAdmitsTheNodeAnew() {
    startNode();
    node().want(SHOP);
    awaitUsable(SHOP);
    Await.until(() -> assertThat(node().status().connected()).isTrue());
    TestAuthority next = new TestAuthority(SITE);
    try (TestController present = inItsPlace(next)) {
      awaitDisbelief();
      Await.until(
          () -> assertThat(node().status().failure()).contains("sluice control token --node NAME"));
      assertThat(present.attempts).hasValue(0);

      TestNode.write(directory, "token", present.token("two"));

      awaitAdmittedBy(next);
      assertThat(present.admissions).hasValue(1);
    }
  }

  /** Whom the mesh before believed says nothing of whom this one does. */
  @Tag("attack")
  @Test
  void ofAMeshWithOtherRootsNothingIsTakenOverOfFurtherMeshes() {
    startNode();
    Await.until(() -> assertThat(node().status().connected()).isTrue());
    TrustDomain partner = new TrustDomain("partner.example");
    controller.publish(
        TrustBundleTest.federating(
            TestController.bundle(2, SITE, authority.root),
            partner,
            new TestAuthority(partner).root));
    Await.until(() -> assertThat(node().status().federated()).containsExactly(partner.name()));
    TestAuthority next = new TestAuthority(SITE);
    try (TestController present = inItsPlace(next)) { // which cannot tell of other meshes yet
      TestNode.write(directory, "token", present.token("two"));

      Await.until(
          () -> assertThat(node().status().rootIds()).containsExactly(Certificates.id(next.root)));
      assertThat(node().status().federated()).isEmpty();
    }

    Attack.tried("another mesh that the mesh before believed, after an admission by new roots")
        .refusedBy("the daemon: it begins without roots of other meshes")
        .countedAs("the daemon's status: trustBundleFederated");
  }

  @Test
  void whatIsKeptOfTheMeshBeforeIsToldByTheConfigMapAtTheStart() {
    startByAccount();
    MeshMark first = node().identities.mesh();
    node().close();
    controller.goAway();

    restartByAccount();
    assertThat(node().identities.expectedMesh().mayBe(first)).as("a power cut").isTrue();
    node().close();
    TestAuthority next = new TestAuthority(SITE);
    roots("first", next.root);
    restartByAccount();
    assertThat(node().identities.expectedMesh().mayBe(first)).as("a rotation missed").isTrue();
    node().close();
    roots("second", authority.root);
    restartByAccount();
    assertThat(node().identities.expectedMesh().mayBe(first)).as("installed anew").isFalse();
    node().close();
    TestNode.write(directory, "roots.pem", "nothing to read");
    TestNode.write(directory, "mesh-id", "");
    restartByAccount();
    assertThat(node().identities.expectedMesh().mayBe(first)).as("no word of another").isTrue();
  }

  @Test
  void whatIsKeptOfTheMeshBeforeIsToldByANewTokenAtTheStart() {
    startNode();
    Await.until(() -> assertThat(node().status().connected()).isTrue());
    MeshMark first = node().identities.mesh();
    node().close();
    controller.goAway();

    startNode();
    assertThat(node().identities.expectedMesh()).as("by the used token").isEqualTo(first);
    node().close();
    TestAuthority next = new TestAuthority(SITE);
    try (TestController other = new TestController(next)) {
      TestNode.write(directory, "token", other.token("two"));
      startNode();
      assertThat(node().identities.expectedMesh().mayBe(first)).as("another root").isFalse();
    }
  }
}
