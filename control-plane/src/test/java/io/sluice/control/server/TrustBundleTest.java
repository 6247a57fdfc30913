package io.sluice.control.server;

import static io.sluice.control.server.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.sluice.api.identity.v1.Certificate;
import io.sluice.api.identity.v1.FederatedBundle;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.await.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.certmanager.FakeIssuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.SvidJudge;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trust bundle as nodes follow it, and the controller's own certificate along with it. */
class TrustBundleTest {
  private static final Duration DISTRIBUTE = Duration.ofMinutes(1);
  private static final String FIRST = "cluster.local";
  private static final String NEXT = "site-7.example";
  private static final String FIRST_BUYER = ControlSite.id("buyer");
  private static final String NEXT_BUYER = FIRST_BUYER.replace(FIRST, NEXT);

  @TempDir private Path home;
  @AutoClose private ControlSite site;
  private NodeClient edge1;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    site.pod("buyer", "nodeName: edge1");
    edge1 = site.joined("edge1");
  }

  @Test
  void changeOfTheRootReachesEveryFollowerPhaseByPhase() throws Exception {
    NodeClient edge2 = site.joined("edge2");
    Followed first = Followed.by(edge1);
    Followed second = Followed.by(edge2);
    assertThat(first.bundles().getFirst().getRootsCount()).isEqualTo(1);
    X509Certificate oldRoot = edge1.controllerChain().getLast();
    String oldHash = site.state().rootHash();

    site.controller().rotateRoot(DISTRIBUTE);

    Await.until("two roots at both", () -> roots(first) == 2 && roots(second) == 2);
    assertThat(issuedRoot()).isEqualTo(oldRoot);

    site.clock().advance(DISTRIBUTE.plusSeconds(1));
    Await.until(
        "the new root signs",
        () -> site.controller().status().rotation().orElse("").startsWith("using"));
    assertThat(issuedRoot()).isNotEqualTo(oldRoot);
    assertThat(first.bundles()).hasSize(2); // the roots are the same two

    Await.until("the controller shows it", () -> !site.state().rootHash().equals(oldHash));
    KeyPair next = Requests.keyPair("secp256r1");
    edge1.pinning(site.state().rootHash()).showing(next, edge1.renew(next));
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

  @Test
  void changeOfTheTrustDomainReachesEveryFollowerPhaseByPhase() throws Exception {
    Path own = home.resolve("own");
    Files.createDirectories(own);
    List<Long> generations = new ArrayList<>();
    try (ControlSite changing =
        ControlSite.withAuthority(own, "{builtIn: {}, distributeFor: 1m}")) {
      try (NodeClient node = podAndNode(changing)) {
        Followed followed = Followed.by(node);
        changing.manifest("config.yaml", config(NEXT));
        Await.until("both are known", () -> domains(followed).equals(List.of(FIRST, NEXT)));
        generations.addAll(generations(followed));
        node.issue(FIRST_BUYER);
        assertRefused(RefusalReason.TRUST_DOMAIN_FOREIGN, () -> node.issue(NEXT_BUYER));
      }
      changing.clock().advance(DISTRIBUTE.minusSeconds(1));
      changing.restart(ControlSite.defaults());
      changing.clock().advance(Duration.ofSeconds(30)); // it is made known for all of it again
      assertThat(changing.controller().status().trustDomainChange()).startsWith("distributing");
      generations.add(theNextOneSigns(changing));
      changing.restart(ControlSite.defaults());
      assertThat(changing.controller().status().trustDomainChange()).startsWith("using");
      assertThat(changing.controller().status().trustDomain()).isEqualTo(NEXT);
      changing.clock().advance(ControlSite.NODE.plus(SvidProfile.CLOCK_SKEW));
      Await.until(
          "the former is nobody's",
          () -> changing.controller().status().trustDomainChange().startsWith("no change"));
      Await.until(
          "the controller's certificate is of this time", () -> nameShownIn(changing).equals(NEXT));
      try (NodeClient late = changing.joined("edge2")) {
        Followed last = Followed.by(late);
        Await.until("one is left", () -> domains(last).equals(List.of(NEXT)));
        late.issue(NEXT_BUYER.replace("buyer", "store"));
        generations.addAll(generations(last));
        assertThat(generations).as("of each change").isSorted().doesNotHaveDuplicates();
      }
    }
  }

  @Test
  void rootsOfOtherMeshesReachEveryFollowerUnlessTheirTrustDomainOrRootIsOurs() throws Exception {
    Followed followed = Followed.by(edge1);
    X509Certificate root = new FakeIssuer().issuer.certificate();
    site.manifest("config.yaml", federating("", "partner.example", root));
    Await.until("it is told", () -> federated(followed).equals(List.of("partner.example")));
    assertThat(followed.bundles().getLast().getFederated(0).getRootsList())
        .containsExactly(ByteString.copyFrom(root.getEncoded()));

    X509Certificate own = edge1.controllerChain().getLast();
    site.manifest("config.yaml", federating("", "partner.example", own, root));
    awaitDetail("a root of the mesh itself for [partner.example]");
    assertThat(followed.bundles().getLast().getFederated(0).getRootsList())
        .containsExactly(ByteString.copyFrom(root.getEncoded()));
    site.manifest("config.yaml", federating("", "partner.example", own));
    Await.until("nobody is left", () -> federated(followed).isEmpty());

    site.manifest("config.yaml", federating("trustDomain: site-7.example, ", FIRST, root));
    awaitDetail("federatesWith names [" + FIRST + "]");
    assertThat(federated(followed)).isEmpty();
    assertThat(followed.bundles().getLast().getFederationKnown()).isTrue();
    assertThat(site.controller().status().authority().detail()).contains("remove the entry");
  }

  private void awaitDetail(String words) {
    Await.until(
        "ours is told", () -> site.controller().status().authority().detail().contains(words));
  }

  private static List<String> federated(Followed followed) {
    return followed.bundles().getLast().getFederatedList().stream()
        .map(FederatedBundle::getTrustDomain)
        .toList();
  }

  private static String federating(String before, String domain, X509Certificate... roots) {
    return "{apiVersion: config.openservicemesh.io/v1alpha2, kind: MeshConfig, metadata: "
        + "{name: osm-mesh-config, namespace: osm-system}, spec: {certificate: {"
        + before
        + "federatesWith: [{trustDomain: "
        + domain
        + ", trustBundle: \""
        + new Pem(List.of(roots), List.of()).text().replace("\n", "\\n")
        + "\"}]}}}\n";
  }

  /** The generation that says so. */
  private static long theNextOneSigns(ControlSite changing) throws Exception {
    try (NodeClient node = changing.joined("edge1")) {
      Followed followed = Followed.by(node);
      changing.clock().advance(DISTRIBUTE);
      Await.until("the next one signs", () -> domains(followed).equals(List.of(NEXT, FIRST)));
      List<X509Certificate> leaf = node.issue(NEXT_BUYER);
      assertThat(
              SvidJudge.of(new TrustDomain(NEXT), List.of(root(node)))
                  .prove(leaf, SvidJudge.BOTH, changing.clock().instant())
                  .identity())
          .hasToString(NEXT_BUYER);
      assertRefused(RefusalReason.TRUST_DOMAIN_FOREIGN, () -> node.issue(FIRST_BUYER));
      KeyPair renewed = Requests.keyPair("secp256r1");
      node.showing(renewed, node.renew(renewed));
      assertThat(SvidJudge.identity(node.chain())).hasToString(nodeIn(NEXT));
      Await.until("the controller is of it", () -> nameShownIn(changing).equals(NEXT));
      return generations(followed).getLast();
    }
  }

  private static NodeClient podAndNode(ControlSite site) throws Exception {
    site.pod("buyer", "nodeName: edge1");
    site.pod("store", "nodeName: edge2");
    return site.joined("edge1");
  }

  private static String nameShownIn(ControlSite site) throws Exception {
    try (NodeClient joining = site.joined("edge9")) {
      return SvidJudge.identity(joining.controllerChain()).trustDomain().name();
    }
  }

  private static X509Certificate root(NodeClient node) {
    return node.controllerChain().getLast();
  }

  private static String nodeIn(String domain) {
    return "spiffe://" + domain + "/ns/sluice-system/sa/node.edge1";
  }

  private static List<Long> generations(Followed followed) {
    return followed.bundles().stream().map(TrustBundle::getGeneration).toList();
  }

  private static List<String> domains(Followed followed) {
    if (followed.bundles().isEmpty()) {
      return List.of();
    }
    TrustBundle last = followed.bundles().getLast();
    return Stream.concat(Stream.of(last.getTrustDomain()), last.getOtherTrustDomainsList().stream())
        .toList();
  }

  private static String config(String trustDomain) {
    return """
    apiVersion: config.sluice.io/v1alpha1
    kind: MeshConfig
    metadata: {name: sluice-mesh-config, namespace: sluice-system}
    spec: {certificate: {trustDomain: %s}}
    """
        .formatted(trustDomain);
  }

  @Test
  void aNewMeshHasTheTrustDomainOfItsMeshConfigAtOnce() throws Exception {
    Path own = home.resolve("own");
    Files.createDirectories(own.resolve("registry"));
    Files.writeString(own.resolve("registry/config.yaml"), config(NEXT));
    try (ControlSite fresh = ControlSite.in(own);
        NodeClient node = podAndNode(fresh)) {
      assertThat(SvidJudge.identity(node.chain())).hasToString(nodeIn(NEXT));
      assertThat(SvidJudge.identity(node.issue(NEXT_BUYER))).hasToString(NEXT_BUYER);
      assertThat(SvidJudge.identity(node.controllerChain()).trustDomain()).hasToString(NEXT);
      assertThat(root(node).getSubjectAlternativeNames())
          .containsExactly(List.of(6, "spiffe://" + NEXT));
      fresh.end();
      Files.delete(own.resolve("state/trust-domain.json")); // as in a backup of the keys alone
      fresh.restart(ControlSite.defaults());
      assertThat(fresh.controller().status().trustDomainChange())
          .isEqualTo("no change; " + NEXT + " is in force");
    }
  }

  @Test
  void aNewMeshHasNoTrustDomainBeforeItsMeshConfigCanBeRead() throws Exception {
    Path own = home.resolve("own");
    Files.createDirectories(own.resolve("registry"));
    Files.writeString(own.resolve("registry/config.yaml"), config("[]"));
    try (ControlSite fresh = ControlSite.in(own)) {
      assertThat(fresh.controller().isReady()).isFalse();
      fresh.restart(ControlSite.defaults()); // which finds keys of the domain by default
      assertThat(fresh.controller().isReady()).isFalse();

      fresh.manifest("config.yaml", config(NEXT));

      Await.until("the controller is ready", () -> fresh.controller().isReady());
      assertThat(fresh.controller().status().trustDomainChange())
          .isEqualTo("no change; " + NEXT + " is in force");
      try (NodeClient node = podAndNode(fresh)) {
        assertThat(SvidJudge.identity(node.chain())).hasToString(nodeIn(NEXT));
      }
    }
  }

  @Test
  void aChangeOfTheTrustDomainThatIsTakenBackIsDropped() throws Exception {
    Followed followed = Followed.by(edge1);
    site.manifest("config.yaml", config(NEXT));
    Await.until("both are known", () -> domains(followed).equals(List.of(FIRST, NEXT)));

    site.manifest("config.yaml", config(FIRST));

    Await.until("one is known", () -> domains(followed).equals(List.of(FIRST)));
    assertThat(generations(followed)).hasSize(3).isSorted().doesNotHaveDuplicates();
    edge1.issue(FIRST_BUYER);
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
  void streamEndsWithTheNodesCertificateAlsoWhereTheRootsCannotBeKept() throws Exception {
    Followed followed = Followed.by(edge1);
    Path kept = home.resolve("state/trust-bundle.pem");
    Files.delete(kept);
    Files.createDirectories(kept.resolve("in-the-way"));
    site.controller().rotateRoot(DISTRIBUTE);
    Await.until("two roots", () -> roots(followed) == 2);

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
