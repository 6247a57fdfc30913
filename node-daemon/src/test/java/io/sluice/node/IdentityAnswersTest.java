package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.await.Await;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.node.StatusAnswers.IdentityAnswers;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.identity.IdentityFixture;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** What `node certificates` and `node status` say, against a controller over real TLS. */
class IdentityAnswersTest {
  private static final SpiffeId SHOP = IdentityFixture.SHOP;
  private static final Path KEPT = Path.of("identity");
  @AutoClose private final IdentityFixture fixture = new IdentityFixture();
  private final IdentityAnswers answers =
      new IdentityAnswers(Optional.of(fixture.identities()), SiteTime.SYSTEM, KEPT);

  private static PodStatus pod(String name, PodState state, SpiffeId identity) {
    return new PodStatus(
        new NamespacedName("shop", name),
        state,
        7,
        List.of(),
        identity.toString(),
        Protection.values()[0],
        "",
        0);
  }

  private List<JsonNode> certificates(PodStatus... pods) {
    List<JsonNode> told = new ArrayList<>();
    answers.certificates(List.of(pods), told::add);
    return told;
  }

  private ObjectNode status() {
    ObjectNode status = JsonNodeFactory.instance.objectNode();
    answers.describe(status);
    return status;
  }

  @Test
  void everyCertificateIsToldWithThePodsThatUseIt() {
    fixture.admit();
    fixture.want(SHOP);
    fixture.awaitUsable(SHOP);

    List<JsonNode> told =
        certificates(
            pod("web-1", PodState.ENROLLED, SHOP),
            pod("web-2", PodState.PENDING, SHOP),
            pod("gone", PodState.OUTSIDE, SHOP),
            pod("other", PodState.ENROLLED, IdentityFixture.BANK));

    assertThat(told).hasSize(2);
    JsonNode node = told.getFirst();
    assertThat(node.path("holder").asText()).isEqualTo("node");
    assertThat(node.path("identity").asText())
        .isEqualTo(SystemIdentity.node(SHOP.trustDomain(), "edge1").toString());
    assertThat(node.path("pods")).isEmpty();
    JsonNode web = told.get(1);
    assertThat(web.path("holder").asText()).isEqualTo("workload");
    assertThat(web.path("state").asText()).isEqualTo("valid");
    assertThat(web.path("pods"))
        .extracting(JsonNode::asText)
        .containsExactly("shop/web-1", "shop/web-2");
    assertThat(web.path("serial").asText()).matches("[0-9a-f]+");
    assertThat(web.path("chainLength").asInt()).isEqualTo(2);
    assertThat(web.path("rootId").asText()).isEqualTo(fixture.rootId());
    assertThat(Instant.parse(web.path("renewAt").asText()))
        .isBetween(
            Instant.parse(web.path("notBefore").asText()),
            Instant.parse(web.path("notAfter").asText()));
    assertThat(web.path("problem").asText()).isEmpty();
  }

  @Test
  void statusNamesTheEarliestEndAndTheController() {
    fixture.admit();
    fixture.want(SHOP);
    fixture.awaitUsable(SHOP);
    Await.until(() -> assertThat(status().path("controllerConnected").asBoolean()).isTrue());

    ObjectNode status = status();
    String end =
        certificates().stream()
            .map(one -> one.path("notAfter").asText())
            .min(String::compareTo)
            .orElseThrow();
    assertThat(status.path("identity").asText()).isEqualTo("valid until " + end);
    assertThat(status.path("controller").asText()).isEqualTo(fixture.controllerAddress());
    assertThat(status.path("controllerLastContactSeconds").asLong()).isBetween(0L, 60L);
    assertThat(status.path("identityFailure").asText()).isEqualTo("-");
    assertThat(status.path("identityFailingSince").asText()).isEqualTo("-");
    assertThat(status.path("certificatesValid").asInt()).isEqualTo(1);
    assertThat(status.path("trustDomain").asText()).isEqualTo("site.example");
    assertThat(status.path("trustBundleRoots").asText()).isEqualTo(fixture.rootId());
    assertThat(status.path("identityStoreProblem").asText()).isEqualTo("-");
  }

  @Test
  void beforeTheAdmissionTheMissingCertificateSaysWhatTheNodeLacks() {
    fixture.want(SHOP);
    Await.until(() ->
        assertThat(certificates())
            .singleElement()
            .satisfies(one -> {
              assertThat(one.path("state").asText()).isEqualTo("missing");
              assertThat(one.path("notAfter").asText()).isEqualTo("-");
              assertThat(one.path("problem").asText()).contains("no_token");
            }));
    assertThat(answers.whyMissing(Optional.of(SHOP)))
        .contains(SHOP.toString(), "missing", "no_token");
    assertThat(status().path("identity").asText()).isEqualTo("not admitted yet");
    assertThat(status().path("identityFailure").asText()).contains("no_token");
    assertThat(status().path("controllerLastContactSeconds").asLong()).isEqualTo(-1);
  }

  @Test
  void anIdentityThatNobodyAskedForSaysSo() {
    assertThat(answers.whyMissing(Optional.of(SHOP))).contains(SHOP.toString(), "spec.nodeName");
    assertThat(answers.whyMissing(Optional.empty())).contains("registry");
  }

  @Test
  void aNodeWithoutAControllerSaysHowToGetOne() {
    IdentityAnswers none = new IdentityAnswers(Optional.empty(), SiteTime.SYSTEM, KEPT);
    assertThatThrownBy(() -> none.certificates(List.of(), one -> {}))
        .hasMessageContaining("--control");
    assertThat(none.whyMissing(Optional.of(SHOP))).contains("--control");
    ObjectNode status = JsonNodeFactory.instance.objectNode();
    none.describe(status);
    assertThat(status.path("identity").asText()).isEqualTo("off");
  }
}
