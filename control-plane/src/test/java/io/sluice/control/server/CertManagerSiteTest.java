package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.await.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.certmanager.FakeIssuer;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole controller on cert-manager, which may not ask for certificates at first. */
class CertManagerSiteTest {
  private static final String EDGE1 = "spiffe://cluster.local/ns/sluice-system/sa/node.edge1";

  @TempDir private Path home;
  private final FakeIssuer issuer = new FakeIssuer();
  private FakeCluster cluster;
  private ControlSite site;

  @BeforeEach
  void start() throws Exception {
    cluster = new FakeCluster();
    cluster.onWrite = issuer;
    cluster.fail("POST", Failing.of("403"));
    cluster.kubeconfig(home);
    site =
        ControlSite.withAuthority(
            home,
            "certManager: {namespace: mesh, kubeconfig: '%s'}"
                .formatted(home.resolve("kubeconfig")));
  }

  @AfterEach
  void stop() {
    site.close();
    cluster.close();
  }

  @Test
  void waitsUntilItMayAskThenIssuesToNodesAndPods() throws Exception {
    assertThat(site.controller().isReady()).isFalse();
    assertThat(site.controller().status().authority().detail())
        .contains("the roots of the mesh are not known yet")
        .contains("403");

    site.clock().set(Instant.now().plusSeconds(2)); // cert-manager's leaves begin when it signs
    cluster.heal("POST");

    Await.until("the controller is ready", () -> site.controller().isReady());
    site.pod("buyer", "nodeName: edge1");
    try (NodeClient node = site.stranger()) {
      KeyPair own = Requests.keyPair("secp256r1");
      // The site's clock stands still; cert-manager's does not, and readiness took seconds.
      site.clock().set(Instant.now().plusSeconds(2));
      AdmitResponse admitted =
          node.admit(
              "edge1",
              site.tokens().create("edge1", Duration.ofHours(1)),
              NodeClient.request(own, List.of(EDGE1)));
      List<X509Certificate> chain = NodeClient.chain(admitted.getCertificate());
      assertThat(chain.getLast()).isEqualTo(issuer.issuer.certificate());

      site.clock().set(Instant.now().plusSeconds(2));
      node.showing(own, chain);
      String buyer = ControlSite.id("buyer");
      KeyPair pod = Requests.keyPair("secp256r1");
      assertThat(node.issue(buyer, NodeClient.request(pod, List.of(buyer))).getFirst())
          .satisfies(leaf ->
              assertThat(leaf.getSubjectAlternativeNames()).containsExactly(List.of(6, buyer)));
    }
  }
}
