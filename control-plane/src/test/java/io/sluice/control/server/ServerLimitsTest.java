package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.sluice.api.identity.v1.AdmitRequest;
import io.sluice.api.identity.v1.AdmitResponse;
import io.sluice.api.identity.v1.NodeAdmissionGrpc;
import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.server.ServerSettings.Places;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stranger or a broken node cannot do to the control port. */
class ServerLimitsTest {
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final int MOST_STRANGERS = 3;
  private static final int MANY = 1_000;
  private static final int MOST_OF_NODE = ServerSettings.MOST_OF_NODE;

  @TempDir private Path home;
  @AutoClose private ControlSite site;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
  }

  /** Times that are not given are so long that they do not end before the test. */
  private void restart(Places places, Duration handshake, Duration proof, Duration request) {
    ServerSettings usual = ControlSite.defaults();
    site.restart(
        new ServerSettings(
            usual.address(),
            places,
            usual.callsPerConnection(),
            usual.callsAtOnce(),
            usual.callRefill(),
            handshake,
            proof,
            request,
            usual.idle(),
            usual.keepAlive(),
            usual.keepAliveAnswer(),
            usual.leastClientKeepAlive()));
  }

  private Socket connected() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), site.controller().port());
    socket.setSoTimeout(20_000);
    return socket;
  }

  @Test
  void connectionThatSaysNothingIsClosed() throws Exception {
    restart(Places.USUAL, SHORT, LONG, LONG);
    try (Socket silent = connected();
        InputStream in = silent.getInputStream()) {
      assertThat(in.read()).isEqualTo(-1);
      awaitRefused("handshake_too_slow");
    }
  }

  private void awaitRefused(String reason) {
    String counted = "sluice_control_connections_refused_total{reason=\"" + reason + "\",} ";
    Await.until(
        reason + " is counted",
        () -> {
          String metrics = site.controller().metrics();
          return metrics.contains(counted) && !metrics.contains(counted + "0.0");
        });
  }

  @Test
  void handshakeBelowTls13Fails() throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(
        new KeyManager[0],
        new TrustManager[] {new PinnedRoot(site.state().rootHash())},
        new SecureRandom());
    try (Socket plain = connected();
        SSLSocket old =
            (SSLSocket)
                context
                    .getSocketFactory()
                    .createSocket(plain, "localhost", plain.getPort(), true)) {
      old.setEnabledProtocols(new String[] {"TLSv1.2"});

      assertThatThrownBy(old::startHandshake).isInstanceOf(SSLHandshakeException.class);
    }
  }

  @Test
  void callWhoseRequestDoesNotComeIsEnded() throws Exception {
    restart(Places.USUAL, LONG, LONG, SHORT);
    CompletableFuture<Status> ended = new CompletableFuture<>();
    CompletableFuture<String> reason = new CompletableFuture<>();
    // As a stream, because gRPC's client sends nothing of another call before its request.
    MethodDescriptor<AdmitRequest, AdmitResponse> neverEnding =
        NodeAdmissionGrpc.getAdmitMethod().toBuilder()
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .build();
    try (NodeClient node = site.stranger()) {
      ClientCall<AdmitRequest, AdmitResponse> call =
          node.channel().newCall(neverEnding, CallOptions.DEFAULT);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onClose(Status status, Metadata trailers) {
              reason.complete(String.valueOf(trailers.get(Answers.REASON)));
              ended.complete(status);
            }
          },
          new Metadata());
      call.request(1);

      assertThat(ended.get(20, TimeUnit.SECONDS).getCode())
          .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
      assertThat(reason.join()).isEqualTo("request_too_slow");
    }
  }

  @Test
  void oneNodeTooManyIsClosedAndTheOthersServed() throws Exception {
    restart(new Places(MANY, MANY, MANY, MANY, 1), LONG, LONG, LONG);
    try (NodeClient node = site.joined("edge1");
        NodeClient oneMore = site.joined("edge2")) {
      assertThat(answerTo(node)).isEqualTo(Status.Code.PERMISSION_DENIED);

      assertThat(answerTo(oneMore)).isIn(Status.Code.UNAVAILABLE, Status.Code.INTERNAL);
      assertThat(answerTo(node)).isEqualTo(Status.Code.PERMISSION_DENIED);
      awaitRefused("connections");
    }
  }

  @Test
  @Tag("attack")
  void aCrowdWithoutCertificatesLeavesRoomForNodes() throws Exception {
    restart(new Places(MANY, MANY, MOST_STRANGERS, MOST_STRANGERS, 1), LONG, LONG, LONG);
    List<NodeClient> crowd = new ArrayList<>();
    try (NodeClient node = site.joined("edge1")) {
      for (int i = 0; i < MOST_STRANGERS; i++) {
        crowd.add(site.stranger());
        assertThat(answerTo(crowd.getLast())).isEqualTo(Status.Code.UNAUTHENTICATED);
      }
      crowd.add(site.stranger());
      crowd.forEach(ServerLimitsTest::answerTo);

      assertThat(answerTo(node)).isEqualTo(Status.Code.PERMISSION_DENIED);
      awaitRefused("strangers_of_address");
      assertThat(site.controller().metrics()).contains("sluice_control_strangers 3.0");
      Attack.tried("a crowd without certificates holds the control port")
          .refusedBy("control port: closed beyond the strangers' share; a node is served")
          .countedAs("sluice_control_connections_refused_total{reason=\"strangers_of_address\"}");
    } finally {
      crowd.forEach(NodeClient::close);
    }
  }

  @Test
  @Tag("attack")
  void aStolenNodeCredentialLeavesRoomForTheOtherNodes() throws Exception {
    int places = MOST_OF_NODE + 4;
    restart(new Places(MANY, MANY, MANY, MANY, places), LONG, LONG, LONG);
    List<NodeClient> crowd = new ArrayList<>();
    try (NodeClient stolen = site.joined("edge1");
        NodeClient node = site.joined("edge2")) {
      for (int i = 0; i < places; i++) {
        crowd.add(site.stranger().showing(stolen.key(), stolen.chain()));
      }
      List<Status.Code> answers = crowd.stream().map(ServerLimitsTest::answerTo).toList();

      assertThat(answerTo(node)).as("another node").isEqualTo(Status.Code.PERMISSION_DENIED);
      assertThat(answers)
          .filteredOn(Status.Code.PERMISSION_DENIED::equals)
          .as("connections of the credential that were served")
          .hasSize(MOST_OF_NODE);
      awaitRefused("connections_of_identity");
      Attack.tried("a stolen node credential holds every place of the control port")
          .refusedBy("control port: closed beyond the share of one node; other nodes are served")
          .countedAs(
              "sluice_control_connections_refused_total{reason=\"connections_of_identity\"}");
    } finally {
      crowd.forEach(NodeClient::close);
    }
  }

  @Test
  @Tag("attack")
  void oneNodeThatIsAdmittedAgainAndAgainLeavesRoomForTheOthers() throws Exception {
    int places = MOST_OF_NODE + 4;
    restart(new Places(MANY, MANY, MANY, MANY, places), LONG, LONG, LONG);
    List<NodeClient> crowd = new ArrayList<>();
    try (NodeClient node = site.joined("edge2")) {
      for (int i = 0; i < places; i++) {
        NodeClient again = site.stranger();
        crowd.add(again);
        again.admit(
            "edge1",
            site.tokens().create("edge1", Duration.ofHours(1)),
            NodeClient.request(Requests.keyPair("secp256r1")));
      }

      assertThat(answerTo(node)).as("another node").isEqualTo(Status.Code.PERMISSION_DENIED);
      Await.until(
          "those beyond the share are strangers still",
          () -> site.controller().metrics().contains("sluice_control_strangers 4.0"));
      Attack.tried("one node name is admitted over and over, to hold every place of nodes")
          .refusedBy("control port: beyond the share of one node a stranger stays one, for seconds")
          .countedAs("sluice_control_strangers");
    } finally {
      crowd.forEach(NodeClient::close);
    }
  }

  @Test
  @Tag("attack")
  void aCertificateOfSomebodyElseMakesNoMember() throws Exception {
    restart(new Places(MANY, MANY, 1, 1, 1), LONG, LONG, LONG);
    KeyPair own = Requests.keyPair("secp256r1");
    SvidProfile profile = new SvidProfile(TrustDomain.CLUSTER_LOCAL, false, true);
    Instant now = site.clock().instant();
    Issuer root = profile.root(SigningKey.P256.generate(), now, ControlSite.NODE);
    X509Certificate leaf =
        profile.leaf(
            profile.intermediate(root, SigningKey.P256.generate(), now, ControlSite.NODE),
            SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, "edge1"),
            own.getPublic(),
            now,
            ControlSite.NODE);
    try (NodeClient node = site.joined("edge1");
        NodeClient liar = site.stranger().showing(own, List.of(leaf))) {
      assertThat(answerTo(liar)).isEqualTo(Status.Code.UNAUTHENTICATED);

      assertThat(answerTo(node)).isEqualTo(Status.Code.PERMISSION_DENIED);
      assertThat(site.controller().metrics()).contains("sluice_control_strangers 1.0");
      Attack.tried("a crowd with certificates of its own making holds the control port")
          .refusedBy("control port: they are strangers; a node is served")
          .countedAs("sluice_control_strangers");
    }
  }

  @Test
  @Tag("attack")
  void aStrangerWhoIsNotAdmittedInTimeIsClosed() throws Exception {
    restart(Places.USUAL, LONG, SHORT, LONG);
    try (NodeClient stranger = site.stranger()) {
      answerTo(stranger);

      awaitRefused("no_proof");
      Attack.tried("a connection without a certificate is kept without being admitted")
          .refusedBy("control port: closed after seconds")
          .countedAs("sluice_control_connections_refused_total{reason=\"no_proof\"}");
    }
  }

  @Test
  void aNodeThatWasAdmittedIsNoStranger() throws Exception {
    try (NodeClient node = site.stranger()) {
      node.admit(
          "edge1",
          site.tokens().create("edge1", Duration.ofHours(1)),
          NodeClient.request(Requests.keyPair("secp256r1")));

      assertThat(site.controller().metrics())
          .contains("sluice_control_strangers 0.0")
          .contains("sluice_control_connections 1.0");
    }
  }

  @Test
  @Tag("attack")
  void aCrowdThatNeverEndsItsHandshakeLeavesRoomForNodes() throws Exception {
    restart(new Places(8, 4, MANY, MANY, MANY), LONG, LONG, LONG);
    List<Socket> crowd = new ArrayList<>();
    try (NodeClient node = site.joined("edge1")) {
      for (int i = 0; i < 12; i++) {
        crowd.add(silentFrom("127.0.0." + (2 + i / 6)));
      }
      awaitRefused("handshakes_of_address");
      Await.until(
          "the places are taken",
          () -> site.controller().metrics().contains("sluice_control_handshakes 8.0"));

      assertThat(answerTo(node)).isEqualTo(Status.Code.PERMISSION_DENIED);
      awaitRefused("handshakes");
      Attack.tried("a crowd opens TCP connections and never begins TLS")
          .refusedBy("control port: closed beyond their places; the largest crowd gives way")
          .countedAs("sluice_control_connections_refused_total{reason=\"handshakes\"}");
    } finally {
      for (Socket each : crowd) {
        each.close();
      }
    }
  }

  private Socket silentFrom(String address) throws IOException {
    return new Socket(
        InetAddress.getLoopbackAddress(),
        site.controller().port(),
        InetAddress.getByName(address),
        0);
  }

  private static Status.Code answerTo(NodeClient node) {
    try {
      node.issue(ControlSite.id("buyer"));
      return Status.Code.OK;
    } catch (Exception e) {
      return Status.fromThrowable(e).getCode();
    }
  }

  @Test
  void messageThatIsTooLongIsRefused() throws Exception {
    try (NodeClient node = site.stranger()) {
      assertThatThrownBy(() -> node.admit("edge1", "x", new byte[100_000]))
          .hasMessageContaining("RESOURCE_EXHAUSTED");
    }
  }
}
