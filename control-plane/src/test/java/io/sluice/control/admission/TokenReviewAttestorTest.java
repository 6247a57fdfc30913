package io.sluice.control.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.attack.Attack;
import io.sluice.control.admission.AdmissionException.Reason;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.mesh.NamespacedName;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenReviewAttestorTest {
  private static final NamespacedName ACCOUNT = new NamespacedName("sluice-system", "node");
  private static final String TOKEN = "aGVhZA.Ym9keQ.c2lnbmF0dXJl";
  private static final String POD = "/api/v1/namespaces/sluice-system/pods/sluice-abcde";

  @TempDir private Path home;
  private FakeCluster server;
  private KubernetesApi api;
  private volatile ObjectNode asked = JsonNodeFactory.instance.objectNode();

  @BeforeEach
  void start() throws Exception {
    server = new FakeCluster();
    api = new KubernetesApi(server.access(home), Duration.ofSeconds(20));
  }

  @AfterEach
  void stop() {
    api.close();
    server.close();
  }

  @Test
  void aTokenThatNamesItsNodeAdmitsThatNode() {
    reviewing(status -> extra(status, "node-name", "worker-1.example"));

    AdmittedNode node = admit(TOKEN, "worker-1.example");

    assertThat(node.nodeName()).isEqualTo("worker-1.example");
    assertThat(node.how()).contains("TokenReview").contains("sluice-system:node");
    assertThat(asked.path("spec").path("token").asText()).isEqualTo(TOKEN);
    assertThat(asked.path("spec").path("audiences"))
        .singleElement()
        .satisfies(audience -> assertThat(audience.asText()).isEqualTo("sluice"));
    assertThat(server.requests("GET")).isZero();
  }

  @Test
  void onOlderKubernetesThePodOfTheTokenNamesTheNode() {
    reviewing(status -> bound(status, "uid-1"));
    server.put(POD, pod("uid-1", "worker-2"));

    assertThat(admit(TOKEN, "worker-2").nodeName()).isEqualTo("worker-2");
  }

  @Tag("attack")
  @Test
  void aPodThatHasTakenTheNameOfTheTokensPodDoesNotAdmit() {
    reviewing(status -> bound(status, "uid-1"));
    refused(Reason.UNKNOWN, "sluice-abcde");
    server.put(POD, pod("uid-2", "worker-2"));

    refused(Reason.UNKNOWN, "another has its name");

    refusedLine("the token of a pod whose name another has taken", Reason.UNKNOWN);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "invalid bearer token, Token has been invalidated | UNKNOWN",
        "[invalid bearer token, token has expired] | EXPIRED",
        "token audiences [\"x\"] is invalid for the target audiences [\"sluice\"] | WRONG_AUDIENCE",
        "'' | UNKNOWN"
      })
  void whatTheApiServerDoesNotTakeIsRefused(String error, Reason reason) {
    reviewing(status -> status.put("authenticated", false).put("error", error));

    refused(reason, "projected one");
  }

  @Tag("attack")
  @Test
  void anAudienceThatIsNotConfirmedIsRefused() {
    reviewing(status -> {
      extra(status, "node-name", "worker-1");
      status.putArray("audiences").add("https://kubernetes.default.svc");
    });

    refused(Reason.WRONG_AUDIENCE, "does not confirm");

    refusedLine("a service account token for another audience", Reason.WRONG_AUDIENCE);
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "system:serviceaccount:sluice-system:default",
        "system:serviceaccount:shop:node",
        "system:node:worker-1",
        ""
      })
  void anotherAccountIsRefused(String user) {
    reviewing(status -> {
      extra(status, "node-name", "worker-1");
      status.withObject("/user").put("username", user);
    });

    refused(Reason.WRONG_ACCOUNT, "system:serviceaccount:sluice-system:node");

    refusedLine("a service account token of '" + user + "'", Reason.WRONG_ACCOUNT);
  }

  @Tag("attack")
  @Test
  void aTokenWithoutAPodIsRefused() {
    reviewing(status -> {});

    refused(Reason.WRONG_ACCOUNT, "not bound to a pod");

    refusedLine("a service account token that is bound to no pod", Reason.WRONG_ACCOUNT);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../../secrets/x", "Worker", "a b", "-a"})
  void aNameThatIsNoNodesNameIsRefused(String name) {
    reviewing(status -> extra(status, "node-name", name));

    refused(Reason.UNKNOWN, "names no node");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "no-jwt", "a.b.c\n", "a.b.c.d", "sluice-join.aa.bb.c!"})
  void whatIsNoTokenIsNotEvenReviewed(String text) {
    assertThatExceptionOfType(AdmissionException.class)
        .isThrownBy(() -> admit(text, "worker-1"))
        .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.MALFORMED));
    assertThatExceptionOfType(AdmissionException.class)
        .isThrownBy(() -> admit("a.b." + "c".repeat(10_000), "worker-1"))
        .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.MALFORMED));
    assertThat(server.requests("POST")).isZero();
  }

  @ParameterizedTest
  @CsvSource({"403,tokenreviews", "500,500", "429,429", "Muteness,within"})
  void anApiServerThatDoesNotServeUsIsNotTheNodesFault(Failing how, String part) {
    server.fail("POST", how);

    refused(Reason.BACKEND_UNREACHABLE, part);
  }

  @Test
  void theTokenIsInNoMessage() {
    reviewing(status -> status.put("authenticated", false).put("error", "no"));

    assertThatExceptionOfType(AdmissionException.class)
        .isThrownBy(() -> admit(TOKEN, "worker-1"))
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("aGVhZA"));
  }

  private static void refusedLine(String what, Reason reason) {
    Attack.tried(what)
        .refusedBy("the controller, after the API server's review")
        .countedAs(
            "sluice_control_refusals_total{call=\"admit\",reason=\"token_"
                + reason.name().toLowerCase(Locale.ROOT)
                + "\"}");
  }

  private AdmittedNode admit(String token, String claimedName) {
    PublicKey key = SigningKey.P256.generate().getPublic();
    return new TokenReviewAttestor(api, ACCOUNT).admit(token, claimedName, key);
  }

  private void refused(Reason reason, String part) {
    assertThatExceptionOfType(AdmissionException.class)
        .isThrownBy(() -> admit(TOKEN, "worker-1"))
        .withMessageContaining(part)
        .satisfies(e -> assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason));
  }

  /** The API server takes the token as that of our account, but for {@code change}. */
  private void reviewing(Consumer<ObjectNode> change) {
    server.tokenReview =
        review -> {
          asked = review.deepCopy();
          ObjectNode status = review.putObject("status").put("authenticated", true);
          status.putArray("audiences").add("sluice");
          status.putObject("user").put("username", "system:serviceaccount:sluice-system:node");
          change.accept(status);
          return review;
        };
  }

  private static void extra(ObjectNode status, String claim, String value) {
    status
        .withObject("/user")
        .withObject("/extra")
        .putArray("authentication.kubernetes.io/" + claim)
        .add(value);
  }

  private static void bound(ObjectNode status, String uid) {
    extra(status, "pod-name", "sluice-abcde");
    extra(status, "pod-uid", uid);
  }

  private static ObjectNode pod(String uid, String node) {
    ObjectNode pod = JsonNodeFactory.instance.objectNode();
    pod.putObject("metadata").put("name", "sluice-abcde").put("uid", uid);
    pod.putObject("spec").put("nodeName", node);
    return pod;
  }
}
