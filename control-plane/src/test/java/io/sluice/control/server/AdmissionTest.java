package io.sluice.control.server;

import static io.sluice.control.server.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.attack.Attack;
import io.sluice.control.admission.JoinTokens.JoinToken;
import io.sluice.control.authority.Requests;
import io.sluice.control.issuing.RefusalReason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Joining over the wire. */
class AdmissionTest {
  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir private Path home;
  @AutoClose private ControlSite site;
  private NodeClient node;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    node = site.stranger();
  }

  private AdmitResponse admit(String name, String token) throws Exception {
    return node.admit(name, token, NodeClient.request(Requests.keyPair("secp256r1")));
  }

  /** Also counted, under the reason that the node is told. */
  private void refuses(String what, RefusalReason reason, ThrowingCallable call) {
    String series =
        "sluice_control_refusals_total{call=\"admit\",reason=\"" + reason.label() + "\",}";
    double before = counted(series);

    assertRefused(reason, call);

    assertThat(counted(series)).isEqualTo(before + 1);
    Attack.tried(what).refusedBy("the controller, call Admit").countedAs(series.replace(",}", "}"));
  }

  private double counted(String series) {
    return site.controller()
        .metrics()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
        .sum();
  }

  @Test
  void tokenGivesTheNodeItsCertificateAndTheBundle() throws Exception {
    AdmitResponse admitted = admit("edge1", site.tokens().create("edge1", HOUR));

    List<X509Certificate> chain = NodeClient.chain(admitted.getCertificate());
    assertThat(chain.getFirst().getSubjectAlternativeNames())
        .containsExactly(List.of(6, "spiffe://cluster.local/ns/sluice-system/sa/node.edge1"));
    assertThat(chain.getFirst().getNotAfter().toInstant())
        .isEqualTo(site.clock().instant().plus(ControlSite.NODE));
    assertThat(admitted.getTrustBundle().getTrustDomain()).isEqualTo("cluster.local");
    assertThat(admitted.getTrustBundle().getRootsList())
        .containsExactly(ByteString.copyFrom(node.controllerChain().getLast().getEncoded()));
  }

  @Test
  @Tag("attack")
  void tokenAdmitsOnceOnly() throws Exception {
    String token = site.tokens().create("edge1", HOUR);
    admit("edge1", token);

    refuses("a join token that was used", RefusalReason.TOKEN_USED, () -> admit("edge1", token));
    site.restart(ControlSite.defaults());
    try (NodeClient later = site.stranger()) {
      assertRefused(
          RefusalReason.TOKEN_USED,
          () -> later.admit("edge1", token, NodeClient.request(Requests.keyPair("secp256r1"))));
    }
  }

  @Test
  @Tag("attack")
  void tokensOfOthersExpiredGuessedOrMalformedAdmitNobody() throws Exception {
    String others = site.tokens().create("edge2", HOUR);
    String guessed = others.substring(0, 17) + "A".repeat(43);
    refuses(
        "the join token of another node",
        RefusalReason.TOKEN_WRONG_ACCOUNT,
        () -> admit("edge1", others));
    refuses(
        "a guessed secret of a join token",
        RefusalReason.TOKEN_UNKNOWN,
        () -> admit("edge2", guessed));
    assertRefused(RefusalReason.TOKEN_MALFORMED, () -> admit("edge1", ""));
    refuses(
        "a join token of nine thousand bytes",
        RefusalReason.TOKEN_MALFORMED,
        () -> admit("edge1", "x".repeat(9_000)));
    refuses(
        "a node name that is none",
        RefusalReason.NODE_NAME_MALFORMED,
        () -> admit("Not A Node", others));
    String revoked = site.tokens().create("edge1", HOUR);
    site.tokens().revoke(revoked.substring(0, 16));
    refuses("a revoked join token", RefusalReason.TOKEN_UNKNOWN, () -> admit("edge1", revoked));

    site.clock().advance(HOUR);
    refuses(
        "a join token after its hour", RefusalReason.TOKEN_EXPIRED, () -> admit("edge2", others));
  }

  @Test
  @Tag("attack")
  void guessesFromOneAddressAreLimited() throws Exception {
    String guess = "0123456789abcdef." + "A".repeat(43);
    for (int i = 0; i < 10; i++) {
      assertRefused(RefusalReason.TOKEN_UNKNOWN, () -> admit("edge1", guess));
    }
    String good = site.tokens().create("edge1", HOUR);

    refuses(
        "join tokens guessed one after the other",
        RefusalReason.TOKEN_LIMITED,
        () -> admit("edge1", good));
    site.clock().advance(Duration.ofMinutes(1));
    assertThat(admit("edge1", good).hasCertificate()).isTrue();
  }

  @Test
  @Tag("attack")
  void wrongRequestLeavesTheTokenUnused() throws Exception {
    String token = site.tokens().create("edge1", HOUR);

    assertRefused(
        RefusalReason.REQUEST_MALFORMED, () -> node.admit("edge1", token, new byte[] {1}));
    byte[] others =
        NodeClient.request(Requests.keyPair("secp256r1"), List.of(ControlSite.id("store")));
    refuses(
        "a request for a node's certificate that names a pod",
        RefusalReason.REQUEST_NAMES_OTHERS,
        () -> node.admit("edge1", token, others));

    assertThat(site.tokens().list())
        .extracting(JoinToken::state)
        .containsExactly(JoinToken.State.OPEN);
    assertThat(admit("edge1", token).hasCertificate()).isTrue();
  }

  @Test
  void controllerWithAnotherRootIsNotBelieved() throws Exception {
    String token = site.tokens().create("edge1", HOUR);
    try (NodeClient elsewhere = NodeClient.stranger(site.controller().port(), "00".repeat(32))) {
      assertThatThrownBy(() ->
              elsewhere.admit("edge1", token, NodeClient.request(Requests.keyPair("secp256r1"))))
          .isInstanceOf(StatusRuntimeException.class)
          .hasMessageContaining("UNAVAILABLE");
    }
    assertThat(site.tokens().list())
        .extracting(JoinToken::state)
        .containsExactly(JoinToken.State.OPEN);
  }

  @Test
  void tokenAppearsInNoFileOfTheController() throws Exception {
    String token = site.tokens().create("edge1", HOUR);
    admit("edge1", token);
    String secret = token.substring(17);
    try (var files = Files.walk(home)) {
      assertThat(files.filter(Files::isRegularFile).toList())
          .isNotEmpty()
          .allSatisfy(file ->
              assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                  .doesNotContain(secret));
    }
  }
}
