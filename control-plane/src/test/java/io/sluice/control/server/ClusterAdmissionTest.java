package io.sluice.control.server;

import static io.sluice.control.server.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.grpc.StatusRuntimeException;
import io.sluice.control.admission.AdmissionException;
import io.sluice.control.admission.TokenReviewAttestor.NodeAccount;
import io.sluice.control.authority.Requests;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.mesh.NamespacedName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Joining over the wire by a service account token, which a cluster reviews. */
class ClusterAdmissionTest {
  private static final NamespacedName ACCOUNT = new NamespacedName("sluice-system", "node");
  private static final String TOKEN = "aGVhZA.Ym9keQ.c2lnbmF0dXJl";
  private static final String FOREIGN_TOKEN = "aGVhZA.Ym9keQ.b3RoZXI";

  @TempDir private Path home;
  private FakeCluster cluster;
  private ControlSite site;
  private NodeClient node;

  @BeforeEach
  void start() throws Exception {
    cluster = new FakeCluster();
    cluster.tokenReview = ClusterAdmissionTest::reviewed;
    site = ControlSite.withCluster(home, new NodeAccount(ACCOUNT, cluster.access(home)));
    node = site.stranger();
  }

  @AfterEach
  void stop() {
    node.close();
    site.close();
    cluster.close();
  }

  @Test
  void tokenOfTheNodesPodAdmitsTheNodeAsOftenAsItComes() throws Exception {
    site.pod("buyer", "nodeName: worker-1");
    for (int i = 0; i < 2; i++) {
      List<X509Certificate> chain = node.join("worker-1", TOKEN);

      assertThat(chain.getFirst().getSubjectAlternativeNames())
          .containsExactly(List.of(6, "spiffe://cluster.local/ns/sluice-system/sa/node.worker-1"));
      assertThat(node.issue(ControlSite.id("buyer"))).isNotEmpty();
    }
  }

  @Test
  void tokenAdmitsUnderNoOtherName() {
    assertRefused(RefusalReason.TOKEN_WRONG_ACCOUNT, () -> admit("worker-2", TOKEN));
  }

  @Test
  void tokenThatTheClusterDoesNotTakeAdmitsNobody() {
    assertRefused(RefusalReason.TOKEN_UNKNOWN, () -> admit("worker-1", FOREIGN_TOKEN));
    assertRefused(RefusalReason.TOKEN_MALFORMED, () -> admit("worker-1", "sesame"));
  }

  @Test
  void clusterThatDoesNotAnswerIsNotTheNodesFaultAndJoinTokensGoOn() throws Exception {
    cluster.fail("POST", Failing.of("503"));

    assertRefused(RefusalReason.TOKEN_BACKEND_UNREACHABLE, () -> admit("worker-1", TOKEN));
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(() -> admit("worker-1", TOKEN))
        .withMessageContaining("the controller's log says why")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("https://"));

    assertThat(node.join("worker-1", site.tokens().create("worker-1", Duration.ofHours(1))))
        .isNotEmpty();
  }

  @Test
  void accessThatCannotBeUsedStopsTheStart() throws Exception {
    Path missing = home.resolve("missing");
    Path elsewhere = Files.createDirectory(home.resolve("elsewhere"));

    assertThatExceptionOfType(AdmissionException.class)
        .isThrownBy(() ->
            ControlSite.withCluster(
                elsewhere, new NodeAccount(ACCOUNT, new KubernetesAccess.Kubeconfig(missing))))
        .withMessageContaining(missing.toString())
        .withMessageContaining("--kubeconfig");

    ControlSite.in(elsewhere).close(); // nothing was left running
  }

  private void admit(String name, String token) throws Exception {
    node.admit(name, token, NodeClient.request(Requests.keyPair("secp256r1")));
  }

  /** What an API server says of a token of the daemon's pod on worker-1, and of any other. */
  private static ObjectNode reviewed(ObjectNode review) {
    boolean ours = review.at("/spec/token").asText().equals(TOKEN);
    ObjectNode status = review.putObject("status").put("authenticated", ours);
    if (ours) {
      status.putArray("audiences").add("sluice");
      ObjectNode user = status.putObject("user");
      user.put("username", "system:serviceaccount:sluice-system:node");
      user.putObject("extra").putArray("authentication.kubernetes.io/node-name").add("worker-1");
    } else {
      status.put("error", "invalid bearer token");
    }
    return review;
  }
}
