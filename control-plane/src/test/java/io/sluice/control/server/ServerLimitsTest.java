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
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stranger or a broken node cannot do to the control port. */
class ServerLimitsTest {
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final int MOST_CONNECTIONS = 3;

  @TempDir private Path home;
  private ControlSite site;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    ServerSettings usual = ControlSite.defaults();
    site.restart(
        new ServerSettings(
            usual.address(),
            MOST_CONNECTIONS,
            usual.callsPerConnection(),
            usual.callsAtOnce(),
            usual.callRefill(),
            SHORT,
            SHORT,
            usual.idle(),
            usual.keepAlive(),
            usual.keepAliveAnswer(),
            usual.leastClientKeepAlive()));
  }

  @AfterEach
  void stop() {
    site.close();
  }

  private Socket connected() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), site.controller().port());
    socket.setSoTimeout(20_000);
    return socket;
  }

  @Test
  void connectionThatSaysNothingIsClosed() throws Exception {
    try (Socket silent = connected();
        InputStream in = silent.getInputStream()) {
      assertThat(in.read()).isEqualTo(-1);
    }
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
  void oneConnectionTooManyIsClosedAndTheOthersServed() throws Exception {
    List<NodeClient> nodes = new ArrayList<>();
    try {
      for (int i = 0; i < MOST_CONNECTIONS; i++) {
        nodes.add(site.stranger());
        assertThat(answerTo(nodes.getLast())).isEqualTo(Status.Code.UNAUTHENTICATED);
      }
      NodeClient oneMore = site.stranger();
      nodes.add(oneMore);

      assertThat(answerTo(oneMore)).isIn(Status.Code.UNAVAILABLE, Status.Code.INTERNAL);
      assertThat(answerTo(nodes.getFirst())).isEqualTo(Status.Code.UNAUTHENTICATED);
      assertThat(site.controller().metrics()).contains("sluice_control_connections 3.0");
    } finally {
      nodes.forEach(NodeClient::close);
    }
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
