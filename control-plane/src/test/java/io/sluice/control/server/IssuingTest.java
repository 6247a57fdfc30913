package io.sluice.control.server;

import static io.sluice.control.server.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.SvidJudge;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Certificates over the wire: who gets one, and every way to ask for another's. */
class IssuingTest {
  @TempDir private Path home;
  @AutoClose private ControlSite site;
  private NodeClient edge1;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    site.pod("buyer", "nodeName: edge1");
    site.pod("store", "nodeName: edge2");
    edge1 = site.joined("edge1");
  }

  @Test
  void nodeGetsACertificateOfThePodThatRunsThere() throws Exception {
    KeyPair key = Requests.keyPair("secp256r1");
    byte[] request = NodeClient.request(key, List.of(ControlSite.id("buyer")));

    List<X509Certificate> chain = edge1.issue(ControlSite.id("buyer"), request);

    X509Certificate leaf = chain.getFirst();
    assertThat(leaf.getPublicKey()).isEqualTo(key.getPublic());
    assertThat(leaf.getSubjectAlternativeNames())
        .containsExactly(List.of(6, ControlSite.id("buyer")));
    assertThat(leaf.getNotAfter().toInstant())
        .isEqualTo(site.clock().instant().plus(ControlSite.LEAF));
    chain.getLast().verify(edge1.controllerChain().getLast().getPublicKey());
    assertThat(Files.readString(home.resolve("state/authority/journal/issued.jsonl")).lines())
        .anySatisfy(line -> assertThat(line).contains(ControlSite.id("buyer")).contains("edge1"));
  }

  @Test
  void theMeshConfigSaysHowLongTheNextCertificateLives() throws Exception {
    String config =
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        spec: {certificate: {serviceCertValidityDuration: %s}}
        """;
    site.manifest("mesh-config.yaml", config.formatted("10m"));
    assertThat(life()).isEqualTo(Duration.ofMinutes(10));

    site.manifest("mesh-config.yaml", config.formatted("168h"));
    assertThat(life()).as("no longer than the node's").isEqualTo(ControlSite.NODE);

    site.manifest("mesh-config.yaml", config.formatted("1s"));
    assertThat(life()).as("the option").isEqualTo(ControlSite.LEAF);
  }

  private Duration life() throws Exception {
    X509Certificate leaf = edge1.issue(ControlSite.id("buyer")).getFirst();
    return Duration.between(site.clock().instant(), leaf.getNotAfter().toInstant());
  }

  @Test
  void controllerShowsItsOwnIdentityAndTheRoot() throws Exception {
    edge1.issue(ControlSite.id("buyer"));

    List<X509Certificate> chain = edge1.controllerChain();

    assertThat(chain.getFirst().getSubjectAlternativeNames())
        .containsExactly(
            List.of(6, SystemIdentity.controller(TrustDomain.CLUSTER_LOCAL).toString()));
    assertThat(chain.getLast().getIssuerX500Principal())
        .isEqualTo(chain.getLast().getSubjectX500Principal());
  }

  @Test
  void identitiesOfOthersAreRefusedWithTheNearestReason() throws Exception {
    site.pod("outsider", "nodeName: edge1\nhostNetwork: true");
    site.pod("floating", "");
    refused(RefusalReason.POD_ON_OTHER_NODE, ControlSite.id("store"));
    refused(RefusalReason.POD_ON_HOST_NETWORK, ControlSite.id("outsider"));
    refused(RefusalReason.POD_WITHOUT_NODE, ControlSite.id("floating"));
    refused(RefusalReason.IDENTITY_UNKNOWN, ControlSite.id("nobody"));
    refused(RefusalReason.TRUST_DOMAIN_FOREIGN, "spiffe://other.example/ns/shop/sa/buyer");
    refused(
        RefusalReason.IDENTITY_RESERVED,
        SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, "edge1").toString());
    refused(
        RefusalReason.IDENTITY_RESERVED,
        SystemIdentity.controller(TrustDomain.CLUSTER_LOCAL).toString());
    refused(RefusalReason.IDENTITY_MALFORMED, "spiffe://cluster.local/ns/shop/sa/buyer/../store");
    refused(RefusalReason.IDENTITY_MALFORMED, "");
    assertThat(site.controller().metrics())
        .contains(
            "sluice_control_refusals_total{call=\"issue\",reason=\"pod_on_other_node\",} 1.0");
  }

  private void refused(RefusalReason reason, String identity) {
    assertRefused(reason, () -> edge1.issue(identity));
  }

  @Test
  void podThatIsNotEnrolledHasNoCertificate() throws Exception {
    site.pod("plain", "nodeName: edge1");
    edge1.issue(ControlSite.id("plain"));
    Path file = home.resolve("registry/plain.yaml");
    long before = site.controller().status().registryRevision();
    Files.writeString(file, Files.readString(file).replace("enabled", "disabled"));
    Await.until("the pod has left", () -> site.controller().status().registryRevision() > before);

    refused(RefusalReason.POD_NOT_ENROLLED, ControlSite.id("plain"));
  }

  @Test
  void podThatHasMovedIsTheOtherNodesFromThenOn() throws Exception {
    edge1.issue(ControlSite.id("buyer"));
    site.pod("buyer", "nodeName: edge2");

    refused(RefusalReason.POD_ON_OTHER_NODE, ControlSite.id("buyer"));
    try (NodeClient edge2 = site.joined("edge2")) {
      assertThat(edge2.issue(ControlSite.id("buyer"))).isNotEmpty();
    }
  }

  @Test
  void unknownPodIsAMatterForLaterWhileAFileCannotBeRead() throws Exception {
    Files.writeString(home.resolve("registry/broken.yaml"), "kind: [");
    Await.until("the broken file is seen", () -> !site.controller().status().registryComplete());

    refused(RefusalReason.REGISTRY_INCOMPLETE, ControlSite.id("nobody"));
    assertThat(edge1.issue(ControlSite.id("buyer"))).isNotEmpty();
  }

  @Test
  void requestsWithNamesOfOthersAreRefused() throws Exception {
    KeyPair key = Requests.keyPair("secp256r1");
    String buyer = ControlSite.id("buyer");
    String store = ControlSite.id("store");

    assertRefused(
        RefusalReason.REQUEST_NAMES_OTHERS,
        () -> edge1.issue(buyer, NodeClient.request(key, List.of(store))));
    assertRefused(
        RefusalReason.REQUEST_NAMES_OTHERS,
        () -> edge1.issue(buyer, NodeClient.request(key, List.of(buyer, store))));
    assertRefused(RefusalReason.REQUEST_NAMES_OTHERS, () -> edge1.issue(buyer, Requests.der(key)));
  }

  @Test
  void requestsThatProveNoKeyAreRefused() throws Exception {
    KeyPair key = Requests.keyPair("secp256r1");
    String buyer = ControlSite.id("buyer");
    byte[] unproven = Requests.der(key, Requests.keyPair("secp256r1"), "SHA256withECDSA");

    assertRefused(RefusalReason.KEY_NOT_PROVEN, () -> edge1.issue(buyer, unproven));
    assertRefused(RefusalReason.REQUEST_MALFORMED, () -> edge1.issue(buyer, new byte[] {1, 2}));
    assertRefused(RefusalReason.REQUEST_MALFORMED, () -> edge1.issue(buyer, new byte[20_000]));
  }

  @Test
  void recordedRequestServesItsOwnerOnly() throws Exception {
    site.pod("clerk", "nodeName: edge1");
    site.pod("buyer-2", "buyer", "nodeName: edge2");
    byte[] recorded = NodeClient.request(Requests.keyPair("secp256r1"));
    edge1.issue(ControlSite.id("buyer"), recorded);

    assertThat(edge1.issue(ControlSite.id("buyer"), recorded)).isNotEmpty();
    assertRefused(RefusalReason.KEY_REUSED, () -> edge1.issue(ControlSite.id("clerk"), recorded));
    try (NodeClient edge2 = site.joined("edge2")) {
      assertRefused(RefusalReason.KEY_REUSED, () -> edge2.issue(ControlSite.id("buyer"), recorded));
    }
  }

  @Test
  void callerIsWhomItsCertificateSays() throws Exception {
    try (NodeClient edge2 = site.joined("edge2")) {
      assertRefused(RefusalReason.POD_ON_OTHER_NODE, () -> edge2.issue(ControlSite.id("buyer")));
    }
  }

  @Test
  void callWithoutACertificateIsRefused() throws Exception {
    try (NodeClient stranger = site.stranger()) {
      assertRefused(
          RefusalReason.CERTIFICATE_MISSING, () -> stranger.issue(ControlSite.id("buyer")));
    }
  }

  @Test
  void certificateOfAWorkloadIsNoNodes() throws Exception {
    KeyPair key = Requests.keyPair("secp256r1");
    List<X509Certificate> chain = edge1.issue(ControlSite.id("buyer"), NodeClient.request(key));
    try (NodeClient workload = site.stranger().showing(key, chain)) {
      assertRefused(RefusalReason.NOT_A_NODE, () -> workload.issue(ControlSite.id("buyer")));
      assertRefused(RefusalReason.NOT_A_NODE, () -> workload.renew(Requests.keyPair("secp256r1")));
    }
  }

  @Test
  void certificateThatHasEndedNeedsANewAdmission() throws Exception {
    edge1.issue(ControlSite.id("buyer"));
    site.clock().advance(ControlSite.NODE.plus(SvidJudge.CLOCK_SKEW).plusSeconds(1));

    refused(RefusalReason.CERTIFICATE_EXPIRED, ControlSite.id("buyer"));
  }

  @Test
  void certificateOfAnotherAuthorityWithTheSameNamesProvesNothing() throws Exception {
    KeyPair key = Requests.keyPair("secp256r1");
    SvidProfile profile = new SvidProfile(TrustDomain.CLUSTER_LOCAL, false, true);
    var now = site.clock().instant();
    Issuer root = profile.root(SigningKey.P256.generate(), now, Duration.ofDays(30));
    Issuer issuer =
        profile.intermediate(root, SigningKey.P256.generate(), now, Duration.ofDays(30));
    SpiffeId edge1Id = SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, "edge1");
    X509Certificate leaf = profile.leaf(issuer, edge1Id, key.getPublic(), now, ControlSite.NODE);
    try (NodeClient forger = site.stranger().showing(key, List.of(leaf, issuer.certificate()))) {
      assertRefused(
          RefusalReason.CERTIFICATE_UNTRUSTED, () -> forger.issue(ControlSite.id("buyer")));
    }
  }

  @Test
  void nodeRenewsWithANewKeyOnly() throws Exception {
    KeyPair next = Requests.keyPair("secp256r1");

    assertRefused(RefusalReason.KEY_REUSED, () -> edge1.renew(edge1.key()));
    List<X509Certificate> renewed = edge1.renew(next);

    assertThat(renewed.getFirst().getNotAfter().toInstant())
        .isEqualTo(site.clock().instant().plus(ControlSite.NODE));
    edge1.showing(next, renewed);
    assertThat(edge1.issue(ControlSite.id("buyer"))).isNotEmpty();
  }

  @Test
  void oneNodeThatCallsTooOftenIsToldSoAndOthersAreServed() throws Exception {
    ServerSettings usual = ControlSite.defaults();
    site.restart(
        new ServerSettings(
            usual.address(),
            usual.places(),
            usual.callsPerConnection(),
            3,
            Duration.ofHours(1),
            usual.handshake(),
            usual.proof(),
            usual.request(),
            usual.idle(),
            usual.keepAlive(),
            usual.keepAliveAnswer(),
            usual.leastClientKeepAlive()));
    try (NodeClient busy = site.joined("edge1");
        NodeClient calm = site.joined("edge2")) {
      for (int i = 0; i < 3; i++) {
        busy.issue(ControlSite.id("buyer"));
      }

      assertRefused(RefusalReason.TOO_MANY_CALLS, () -> busy.issue(ControlSite.id("buyer")));
      assertThat(calm.issue(ControlSite.id("store"))).isNotEmpty();
    }
  }
}
