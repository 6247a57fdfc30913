package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.sluice.api.identity.v1.Certificate;
import io.sluice.control.authority.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.svid.SvidJudge;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trust bundle as nodes follow it, and the controller's own certificate along with it. */
class TrustBundleTest {
  private static final Duration DISTRIBUTE = Duration.ofMinutes(1);

  @TempDir private Path home;
  private ControlSite site;
  private NodeClient edge1;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    site.pod("buyer", "nodeName: edge1");
    edge1 = site.joined("edge1");
  }

  @AfterEach
  void stop() {
    edge1.close();
    site.close();
  }

  @Test
  void changeOfTheRootReachesEveryFollowerPhaseByPhase() throws Exception {
    NodeClient edge2 = site.joined("edge2");
    Followed first = Followed.by(edge1);
    Followed second = Followed.by(edge2);
    assertThat(first.bundles().getFirst().getRootsCount()).isEqualTo(1);
    X509Certificate oldRoot = edge1.controllerChain().getLast();

    site.controller().rotateRoot(DISTRIBUTE);

    Await.until("two roots at both", () -> roots(first) == 2 && roots(second) == 2);
    assertThat(issuedRoot()).isEqualTo(oldRoot);

    site.clock().advance(DISTRIBUTE.plusSeconds(1));
    Await.until(
        "the new root signs",
        () -> site.controller().status().rotation().orElse("").startsWith("Using"));
    assertThat(issuedRoot()).isNotEqualTo(oldRoot);
    assertThat(first.bundles()).hasSize(2); // the roots are the same two

    KeyPair next = Requests.keyPair("secp256r1");
    edge1.showing(next, edge1.renew(next));
    Followed again = Followed.by(edge1);
    site.clock().advance(ControlSite.NODE.plus(SvidProfile.CLOCK_SKEW));
    Await.until("the old root is withdrawn", () -> site.controller().status().generation() == 3);
    Await.until(
        "the follower hears of it, or is too late",
        () -> roots(again) == 1 || again.failure() != null);
    assertThat(again.bundles().getLast().getRootsList())
        .satisfiesAnyOf(
            roots -> assertThat(roots).hasSize(1),
            roots -> assertThat(again.reason()).isEqualTo("certificate_expired"));
    edge2.close();
  }

  private static int roots(Followed followed) {
    return followed.bundles().getLast().getRootsCount();
  }

  private X509Certificate issuedRoot() throws Exception {
    X509Certificate last = edge1.issue(ControlSite.id("buyer")).getLast();
    Followed followed = Followed.by(edge1);
    Await.until("a bundle", () -> !followed.bundles().isEmpty());
    for (var der : followed.bundles().getLast().getRootsList()) {
      X509Certificate root =
          NodeClient.chain(Certificate.newBuilder().addChain(der).build()).getFirst();
      if (root.getSubjectX500Principal().equals(last.getIssuerX500Principal())) {
        return root;
      }
    }
    throw new AssertionError("no root of the bundle issued " + last);
  }

  @Test
  void controllerShowsTheNewRootAsSoonAsItSigns() throws Exception {
    X509Certificate oldRoot = edge1.controllerChain().getLast();
    String oldHash = site.state().rootHash();
    site.controller().rotateRoot(DISTRIBUTE);
    Await.until("two roots", () -> site.controller().status().generation() == 2);
    try (NodeClient joining = site.joined("edge2")) {
      assertThat(joining.controllerChain().getLast()).isEqualTo(oldRoot);
    }

    site.clock().advance(DISTRIBUTE.plusSeconds(1));
    Await.until("tokens pin the new root", () -> !site.state().rootHash().equals(oldHash));

    try (NodeClient joining = site.joined("edge3")) {
      assertThat(joining.controllerChain().getLast()).isNotEqualTo(oldRoot);
    }
  }

  @Test
  void newerCallOfTheSameNodeEndsTheOlder() {
    Followed older = Followed.by(edge1);
    Followed newer = Followed.by(edge1);

    Await.until("the older call ends", () -> older.failure() != null);
    assertThat(older.reason()).isEqualTo("superseded");
    assertThat(newer.failure()).isNull();
    assertThat(site.controller().metrics()).contains("sluice_control_following_nodes 1.0");
  }

  @Test
  void streamEndsWithTheNodesCertificate() {
    Followed followed = Followed.by(edge1);

    site.clock().advance(ControlSite.NODE.plus(SvidJudge.CLOCK_SKEW).plusSeconds(1));

    Await.until("the stream ends", () -> followed.failure() != null);
    assertThat(followed.reason()).isEqualTo("certificate_expired");
  }

  @Test
  void drainingEndsStreamsInOrder() {
    Followed followed = Followed.by(edge1);

    site.end();

    Await.until("the stream ends", () -> followed.completed() || followed.failure() != null);
    assertThat(followed.completed()).as("completed, not %s", followed.failure()).isTrue();
  }

  @Test
  void strangerFollowsNothing() {
    try (NodeClient stranger = site.stranger()) {
      Followed refused = Followed.by(stranger);
      assertThat(refused.reason()).isEqualTo("certificate_missing");
      assertThat(Status.fromThrowable(refused.failure()).getCode())
          .isEqualTo(Status.Code.UNAUTHENTICATED);
    }
  }

  @Test
  void controllersCertificateIsNewAtHalfItsLife() throws Exception {
    X509Certificate before = edge1.controllerChain().getFirst();
    site.clock().advance(ControlSite.LEAF.dividedBy(2).plusSeconds(1));
    Await.until(
        "a new certificate",
        () ->
            site.controller()
                .status()
                .certificateEnd()
                .orElseThrow()
                .isAfter(before.getNotAfter().toInstant()));

    try (NodeClient joining = site.joined("edge2")) {
      X509Certificate after = joining.controllerChain().getFirst();
      assertThat(after.getSerialNumber()).isNotEqualTo(before.getSerialNumber());
      assertThat(after.getPublicKey()).isNotEqualTo(before.getPublicKey());
    }
  }
}
