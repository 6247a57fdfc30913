package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.BoolValue;
import io.sluice.api.envoy.auth.AttributeContext;
import io.sluice.api.envoy.auth.CheckRequest;
import io.sluice.api.envoy.auth.CheckResponse;
import io.sluice.api.envoy.auth.DeniedHttpResponse;
import io.sluice.api.envoy.auth.HeaderValue;
import io.sluice.api.envoy.auth.HeaderValueOption;
import io.sluice.api.envoy.auth.HttpStatus;
import io.sluice.api.envoy.auth.OkHttpResponse;
import io.sluice.api.envoy.rpc.Status;
import io.sluice.await.Await;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Authorized;
import io.sluice.proxy.GrpcPeer;
import io.sluice.proxy.Peers;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.http2.RawClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What has arrived at a pod goes on as the authoriser says, and not at all where it says nothing.
 */
@Timeout(60)
class AuthorizationTest {
  private static final String GET =
      "GET /books?page=2 HTTP/1.1\r\nHost: store\r\nX-Secret: key\r\nCookie: a=1\r\n\r\n";
  private static final byte[] GRANTED = CheckResponse.getDefaultInstance().toByteArray();
  private static final byte[] DENIED =
      CheckResponse.newBuilder().setStatus(Status.newBuilder().setCode(7)).build().toByteArray();

  private final HttpFixture mesh = new HttpFixture();
  private final GrpcPeer authorizer =
      new GrpcPeer((caller, stream, message) -> caller.answer(stream, GRANTED));

  /** And asks once, so that nothing is done for the first time. */
  @BeforeEach
  void ask() throws IOException {
    assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
    Await.until("it is told of", () -> !told().isEmpty());
    told().clear();
    mesh.received.clear();
    authorize(false, 10_000);
  }

  @AfterEach
  void close() {
    try (mesh;
        authorizer) {
      // Whatever one asserts, the other is closed too.
    }
  }

  private void authorize(boolean failOpen, long millis) {
    authorize(
        new ExternalAuthorization(
            new NamedServer("127.0.0.1", port()), "of_test", millis, failOpen));
  }

  private int port() {
    return authorizer.address().getPort();
  }

  private void authorize(ExternalAuthorization asked) {
    publish(usual(), asked);
  }

  private MeshSnapshot usual() {
    return mesh.nodes.withRequests(List.of(HttpFixture.match("/books.*", "GET", "POST")));
  }

  private void publish(MeshSnapshot snapshot, @Nullable ExternalAuthorization asked) {
    SnapshotEditor editor = snapshot.edit();
    editor.put(snapshot.settings().authorizedBy(asked));
    mesh.nodes.publish(editor.snapshot(10));
  }

  private void answers(CheckResponse answer) {
    byte[] bytes = answer.toByteArray();
    authorizer.conduct = (caller, stream, message) -> caller.answer(stream, bytes);
  }

  private List<RequestRecord> told() {
    return mesh.nodes.server.recorder.requests;
  }

  private RequestRecord last() {
    Await.until("it is told of", () -> !told().isEmpty());
    return told().getLast();
  }

  private Map<Authorized, Long> counts() {
    return mesh.nodes.server.proxy.stats().authorizations();
  }

  private static HeaderValueOption header(String name, String value, boolean append) {
    return HeaderValueOption.newBuilder()
        .setHeader(HeaderValue.newBuilder().setKey(name).setValue(value))
        .setAppend(BoolValue.of(append))
        .build();
  }

  @Test
  void itIsAskedAboutTheRequestAndWhoSendsIt() throws IOException {
    assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");

    AttributeContext asked = CheckRequest.parseFrom(authorizer.asked.element()).getAttributes();
    AttributeContext.HttpRequest http = asked.getRequest().getHttp();
    assertThat(http.getMethod()).isEqualTo("GET");
    assertThat(http.getPath()).isEqualTo("/books?page=2");
    assertThat(http.getHost()).isEqualTo("store");
    assertThat(http.getProtocol()).isEqualTo("HTTP/1.1");
    assertThat(http.getHeadersMap())
        .containsEntry("x-secret", "key")
        .containsEntry("cookie", "a=1")
        .containsEntry(":path", "/books?page=2")
        .containsEntry(
            "x-forwarded-client-cert", "By=" + TwoNodes.STORE_ID + ";URI=" + TwoNodes.BUYER_ID);
    assertThat(asked.getSource().getPrincipal()).isEqualTo(TwoNodes.BUYER_ID.toString());
    assertThat(asked.getDestination().getPrincipal()).isEqualTo(TwoNodes.STORE_ID.toString());
    assertThat(asked.getDestination().getAddress().getSocketAddress().getPortValue())
        .isEqualTo(mesh.nodes.app.address().getPort());
    assertThat(last().end()).isEqualTo(End.WHOLE);
    assertThat(counts()).containsEntry(Authorized.OK, 1L);
  }

  @Test
  void whatItDeniesNeverReachesTheApplication() throws IOException {
    authorizer.conduct = (caller, stream, message) -> caller.answer(stream, DENIED);
    try (Socket client = mesh.connect()) {
      for (int i = 0; i < 10; i++) {
        client.getOutputStream().write(GET.getBytes(ISO_8859_1));
        assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith("HTTP/1.1 403");
      }
    }

    Await.until("all are told of", () -> told().size() == 10);
    assertThat(told())
        .allSatisfy(one -> {
          assertThat(one.end().flag()).isEqualTo("UAEX");
          assertThat(one.verdict().reason()).isEqualTo(Reason.AUTHORIZATION_DENIED);
        });
    assertThat(mesh.received).allMatch(one -> one.text().isEmpty());
    assertThat(counts()).containsEntry(Authorized.DENIED, 10L).containsEntry(Authorized.OK, 0L);
  }

  @Test
  void aDenialSaysItsOwnStatusHeadersAndContent() throws IOException {
    answers(
        CheckResponse.newBuilder()
            .setStatus(Status.newBuilder().setCode(16))
            .setDeniedResponse(
                DeniedHttpResponse.newBuilder()
                    .setStatus(HttpStatus.newBuilder().setCode(401))
                    .addHeaders(header("www-authenticate", "Bearer", false))
                    .addHeaders(header("content-length", "0", false))
                    .addHeaders(header("content-type", "application/json", false))
                    .setBody("who are you"))
            .build());

    assertThat(mesh.ask(GET, "who are you"))
        .startsWith("HTTP/1.1 401")
        .contains("www-authenticate: Bearer\r\n", "Content-Length: 11\r\n")
        .doesNotContain("content-length: 0");
    assertThat(mesh.ask(GET.replace("Host", "Content-Type: application/grpc\r\nHost"), "\r\n\r\n"))
        .startsWith("HTTP/1.1 200")
        .contains("grpc-status: 16\r\n", "www-authenticate: Bearer\r\n")
        .doesNotContain("application/json");
  }

  @Test
  void headersGoAndComeAsItSays() throws IOException {
    answers(
        CheckResponse.newBuilder()
            .setOkResponse(
                OkHttpResponse.newBuilder()
                    .addHeaders(header("x-user", "ada", false))
                    .addHeaders(header("cookie", "b=2", true))
                    .addHeadersToRemove("X-Secret")
                    .addHeadersToRemove("host")
                    .addResponseHeadersToAdd(header("x-judged", "yes", false)))
            .build());

    // To applications of CGI and what follows it all three are one.
    String spoofing = "X-User: eve\r\nX_User: eve\r\nX_Secret: key\r\nHost";
    assertThat(mesh.ask(GET.replace("Host", spoofing), "ok"))
        .startsWith("HTTP/1.1 200")
        .contains("x-judged: yes\r\n");
    assertThat(mesh.received.getFirst().text())
        .contains("x-user: ada\r\n", "Cookie: a=1\r\n", "cookie: b=2\r\n", "Host: store\r\n")
        .doesNotContain("eve", "key");
  }

  /** What would make another message of it is not done by halves. */
  @Test
  void aGrantThatCannotBeFollowedIsNone() throws IOException {
    for (HeaderValueOption odd :
        List.of(
            header("transfer-encoding", "chunked", false),
            header("x-forwarded-client-cert", "URI=spiffe://other", false),
            header(":path", "/admin", false),
            header("x-split", "a\r\nX-Other: b", false))) {
      answers(
          CheckResponse.newBuilder()
              .setOkResponse(OkHttpResponse.newBuilder().addHeaders(odd))
              .build());
      assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 403");
      assertThat(last().verdict().reason()).isEqualTo(Reason.AUTHORIZATION_FAILED);
    }
    authorizer.conduct = (caller, stream, message) -> caller.answer(stream, new byte[] {1, 2, 3});
    assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 403");

    authorize(true, 10_000);
    assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 403");
    answers(
        CheckResponse.newBuilder()
            .setStatus(Status.newBuilder().setCode(7))
            .setDeniedResponse(DeniedHttpResponse.newBuilder().setBody("x".repeat(40 << 10)))
            .build());
    assertThat(mesh.ask(GET, "\r\n\r\n")).as("a denial too large").startsWith("HTTP/1.1 403");
    assertThat(mesh.received).allMatch(one -> one.text().isEmpty());
  }

  @Test
  void whereItIsAwayAllAreRefusedOrAllGoOn() throws IOException {
    authorizer.close();
    assertHundred("HTTP/1.1 403", "\r\n\r\n", Authorized.ERROR);
    assertThat(told())
        .allSatisfy(one -> {
          assertThat(one.end()).isEqualTo(End.UNAUTHORIZED);
          assertThat(one.verdict().reason()).isEqualTo(Reason.AUTHORIZATION_FAILED);
        });
    assertThat(mesh.received).allMatch(one -> one.text().isEmpty());

    authorize(true, 10_000);
    assertHundred("HTTP/1.1 200", "ok", Authorized.FAILURE_MODE_ALLOWED);
  }

  private void assertHundred(String status, String enough, Authorized outcome) throws IOException {
    try (Socket client = mesh.connect()) {
      for (int i = 0; i < 100; i++) {
        client.getOutputStream().write(GET.getBytes(ISO_8859_1));
        assertThat(HttpFixture.read(client, enough)).startsWith(status);
      }
    }
    assertThat(counts()).containsEntry(outcome, 100L);
    Await.until("all are told of", () -> told().size() % 100 == 0);
  }

  @Test
  void whatAPolicyRefusesItIsNotAskedAbout() throws IOException {
    mesh.nodes.client.publish(mesh.nodes.withRequests(List.of(HttpFixture.match(".*", "GET"))));
    assertThat(mesh.ask(GET.replace("/books", "/other"), "\r\n\r\n")).startsWith("HTTP/1.1 403");
    assertThat(last().end()).isEqualTo(End.REFUSED);
    assertThat(authorizer.asked).isEmpty();
  }

  @Test
  void oneThatIsSlowHoldsUpNobodyElse() throws Exception {
    authorizer.conduct = (caller, stream, message) -> {};
    List<Socket> waiting = new ArrayList<>();
    try {
      for (int i = 0; i < 20; i++) {
        Socket client = mesh.connect();
        waiting.add(client);
        client.getOutputStream().write(GET.getBytes(ISO_8859_1));
      }
      Await.until("all are asked about", () -> authorizer.asked.size() == 20);
      authorizer.conduct = (caller, stream, message) -> caller.answer(stream, GRANTED);
      assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
      assertThat(last().end()).isEqualTo(End.WHOLE);

      Peers.reset(waiting.removeFirst());
      Await.until("who leaves leaves nothing", () -> told().size() == 2);
      assertThat(last().end()).isEqualTo(End.RESET_BY_CLIENT);
      publish(usual(), null);
      assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
      assertThat(authorizer.asked).hasSize(21);
    } finally {
      for (Socket each : waiting) {
        each.close();
      }
    }
    Await.until("nobody waits", () -> told().size() == 22);
  }

  /** What callers can bring about opens nothing, and one pod's callers leave room for others'. */
  @Test
  void whatIsBeyondALimitIsRefusedAlsoWhereItFailsOpen() throws Exception {
    // Takes all that comes, and says nothing.
    byte[] room = ByteBuffer.allocate(Integer.BYTES).putInt(1 << 16).array();
    authorizer.conduct =
        (caller, stream, message) -> caller.send(RawClient.WINDOW_UPDATE, 0, 0, room);
    authorize(true, 10_000);
    String large =
        GET.replace("Host", ("X-Large: " + "x".repeat(6_000) + "\r\n").repeat(2) + "Host");
    List<Socket> waiting = new ArrayList<>();
    try {
      long began = System.nanoTime();
      String answer = "";
      while (!answer.startsWith("HTTP/1.1")) {
        assertThat(waiting).as("without a bound").hasSizeLessThan(200);
        Socket client = mesh.connect();
        waiting.add(client);
        client.setSoTimeout(20);
        client.getOutputStream().write(large.getBytes(ISO_8859_1));
        answer = HttpFixture.read(client, "\r\n\r\n"); // none where it waits
      }
      assertThat(answer).startsWith("HTTP/1.1 403");
      assertThat(waiting).hasSizeGreaterThan(8);
      assertThat(System.nanoTime() - began).as("not by time").isLessThan(10_000_000_000L);
    } finally {
      for (Socket each : waiting) {
        each.close();
      }
    }
  }

  @Test
  void anAnswerThatComesTooLateIsNone() throws IOException {
    authorizer.conduct = (caller, stream, message) -> {};
    authorize(false, 200);
    long began = System.nanoTime();
    assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 403");
    assertThat((System.nanoTime() - began) / 1_000_000).isBetween(200L, 5_000L);
  }

  /** By the name of a Service whose endpoints are known, and by one that nobody knows. */
  @Test
  void endpointsThatAreTheNodeItselfAreNotAskedWhateverServiceHasThem() throws IOException {
    SnapshotEditor editor = usual().edit();
    editor.put(
        new Service(
            new NamespacedName("tools", "opa"),
            List.of(),
            List.of(
                new ServicePort(
                    "grpc",
                    port(),
                    AppProtocol.GRPC,
                    List.of(new Endpoint(authorizer.address(), true))))));
    publish(
        editor.snapshot(9),
        new ExternalAuthorization(
            new NamedServer("opa.tools.svc", port()), "of_test", 10_000, false));
    assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 403");
    assertThat(authorizer.asked).isEmpty();
  }

  /** Or asking would be asked about, without end. */
  @Test
  void whatIsSentToItselfItIsNotAskedAbout() throws IOException {
    InetSocketAddress app = mesh.nodes.app.address();
    authorize(
        new ExternalAuthorization(
            new NamedServer(app.getAddress().getHostAddress(), app.getPort()),
            "of_test",
            10_000,
            false));
    assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
    assertThat(counts()).containsEntry(Authorized.OK, 0L).containsEntry(Authorized.ERROR, 0L);
  }
}
