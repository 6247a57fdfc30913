package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.sluice.api.envoy.auth.HeaderValue;
import io.sluice.api.envoy.ratelimit.RateLimitDescriptor.Entry;
import io.sluice.api.envoy.ratelimit.RateLimitRequest;
import io.sluice.api.envoy.ratelimit.RateLimitResponse;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.Code;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.DescriptorStatus;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.RateLimit;
import io.sluice.await.Await;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SharedLimit;
import io.sluice.mesh.SharedLimit.Descriptor;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import io.sluice.mesh.UpstreamSetting.SharedRequestLimit;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.GrpcPeer;
import io.sluice.proxy.Limited;
import io.sluice.proxy.Peers;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import java.io.IOException;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What has arrived at a pod goes on as far as the rate-limit service of its Service says so. */
@Timeout(60)
class SharedLimitsTest {
  private static final NamespacedName SETTING = new NamespacedName("shop", "limits");
  private static final String GET = "GET /books HTTP/1.1\r\nHost: store\r\nX-User: ada\r\n\r\n";
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final RateLimitResponse ROOM =
      RateLimitResponse.newBuilder().setOverallCode(Code.OK).build();
  private static final RateLimitResponse BEYOND =
      RateLimitResponse.newBuilder()
          .setOverallCode(Code.OVER_LIMIT)
          .setRawBody(ByteString.copyFromUtf8("slow down"))
          .addResponseHeadersToAdd(HeaderValue.newBuilder().setKey("x-why").setValue("busy"))
          .addStatuses(
              DescriptorStatus.newBuilder()
                  .setCode(Code.OVER_LIMIT)
                  .setCurrentLimit(
                      RateLimit.newBuilder().setRequestsPerUnit(10).setUnit(RateLimit.Unit.MINUTE)))
          .build();
  private static final List<Descriptor> BY_USER =
      List.of(new Descriptor(List.of(new SharedLimit.Entry.OfHeader("user", "x-user"))));
  private static final List<Descriptor> FIXED =
      List.of(new Descriptor(List.of(new SharedLimit.Entry.Fixed("a", "b"))));

  private final HttpFixture mesh = new HttpFixture().byService();
  private final GrpcPeer service =
      new GrpcPeer((caller, stream, message) -> caller.answer(stream, ROOM.toByteArray()));
  private long revision = 20;

  /** Once, so that nothing is done for the first time. */
  @BeforeEach
  void ask() throws IOException {
    publish(Limits.NONE);
    assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
    Await.until("it is told of", () -> !told().isEmpty());
    told().clear();
    mesh.received.clear();
  }

  @AfterEach
  void close() {
    try (mesh;
        service) {
      // Whatever one asserts, the other is closed too.
    }
  }

  private SharedLimit limit(List<Descriptor> descriptors, boolean failOpen, long millis) {
    return new SharedLimit(
        new NamedServer("127.0.0.1", service.address().getPort()),
        "of_test",
        descriptors,
        millis,
        failOpen);
  }

  private void publishRequests(boolean failOpen, long millis, RouteLimit... routes) {
    publish(
        new Limits(
            null,
            0,
            null,
            null,
            new SharedRequestLimit(limit(BY_USER, failOpen, millis), 503, true),
            List.of(routes)));
  }

  private void publish(Limits limits) {
    publish(mesh.nodes.withRequests(List.of(HttpFixture.match("/.*", "GET"))), limits);
  }

  private void publish(MeshSnapshot base, Limits limits) {
    SnapshotEditor editor = base.edit();
    editor.put(new UpstreamSetting(STORE, SETTING, Pool.NONE, null, limits));
    mesh.nodes.publish(editor.snapshot(revision++));
  }

  private void says(RateLimitResponse answer) {
    byte[] bytes = answer.toByteArray();
    service.conduct = (caller, stream, message) -> caller.answer(stream, bytes);
  }

  private List<RequestRecord> told() {
    return mesh.nodes.server.recorder.requests;
  }

  private RequestRecord only() {
    Await.until("it is told of", () -> told().size() == 1);
    return told().removeFirst();
  }

  private Map<Limited, Long> counts() {
    return mesh.nodes.server.proxy.stats().limitations();
  }

  private @Nullable Entry asked() throws IOException {
    byte[] message = service.asked.poll();
    if (message == null) {
      return null;
    }
    RateLimitRequest asked = RateLimitRequest.parseFrom(message);
    assertThat(asked.getDomain()).isEqualTo("of_test");
    return asked.getDescriptors(0).getEntries(0);
  }

  @Test
  void aRequestWithinTheLimitGoesOnWithWhatTheServiceAdds() throws IOException {
    says(
        BEYOND.toBuilder()
            .setOverallCode(Code.OK)
            .addRequestHeadersToAdd(HeaderValue.newBuilder().setKey("x-class").setValue("gold"))
            .build());
    publishRequests(false, 10_000);

    assertThat(mesh.ask(GET, "ok"))
        .startsWith("HTTP/1.1 200")
        .contains("x-why: busy\r\n", "x-ratelimit-limit: 10, 10;w=60\r\n")
        .contains("x-ratelimit-remaining: 0\r\n", "x-ratelimit-reset: 0\r\n")
        .doesNotContain("x-envoy-ratelimited");
    assertThat(asked()).isEqualTo(Entry.newBuilder().setKey("user").setValue("ada").build());
    assertThat(mesh.received.getFirst().text()).contains("x-class: gold\r\n");
    assertThat(only().end()).isEqualTo(End.WHOLE);
    assertThat(counts()).containsEntry(Limited.OK, 1L);
  }

  @Test
  void aRequestBeyondItIsAnsweredAndReachesNoApplication() throws IOException {
    says(BEYOND);
    publishRequests(true, 10_000);

    assertThat(mesh.ask(GET, "slow down"))
        .startsWith("HTTP/1.1 503 ")
        .contains("x-envoy-ratelimited: true\r\n", "x-why: busy\r\n", "x-ratelimit-reset: 0\r\n");
    RequestRecord record = only();
    assertThat(record.end().flag()).isEqualTo("RL");
    assertThat(record.verdict())
        .isEqualTo(new Verdict(Outcome.REFUSED, Reason.RATE_LIMITED_GLOBALLY, SETTING));
    assertThat(mesh.received).allMatch(one -> one.text().isEmpty());
    assertThat(counts()).containsEntry(Limited.OVER_LIMIT, 1L);

    String grpc = GET.replace("Host", "Content-Type: application/grpc\r\nHost");
    assertThat(mesh.ask(grpc, "\r\n\r\n"))
        .startsWith("HTTP/1.1 200")
        .contains("grpc-status: 14\r\n");
  }

  @Test
  void whereNothingIsCountedNobodyIsAsked() throws IOException {
    publishRequests(false, 10_000, new RouteLimit(Regex.of("/rare"), null, FIXED));

    assertThat(mesh.ask(GET.replace("X-User", "X-Other"), "ok")).startsWith("HTTP/1.1 200");
    assertThat(asked()).isNull();
    assertThat(mesh.ask(GET.replace("/books", "/rare"), "ok")).startsWith("HTTP/1.1 200");
    assertThat(asked())
        .as("in the place of all")
        .isEqualTo(Entry.newBuilder().setKey("a").setValue("b").build());
    assertThat(counts()).containsEntry(Limited.OK, 1L);
  }

  @Test
  void withoutAnAnswerItGoesOnOrNotAsIsSaid() throws IOException {
    service.conduct = (caller, stream, message) -> {};
    publishRequests(true, 50);
    assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200");
    assertThat(only().end()).isEqualTo(End.WHOLE);

    publishRequests(false, 50);
    assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 500 ");
    RequestRecord record = only();
    assertThat(record.end().flag()).isEqualTo("RLSE");
    assertThat(record.verdict().reason()).isEqualTo(Reason.RATE_LIMIT_FAILED);
    assertThat(counts())
        .containsEntry(Limited.FAILURE_MODE_ALLOWED, 1L)
        .containsEntry(Limited.ERROR, 1L);

    service.conduct = (caller, stream, message) -> caller.answer(stream, new byte[] {1, 2});
    publishRequests(true, 10_000);
    assertThat(mesh.ask(GET, "\r\n\r\n"))
        .as("no answer that means anything")
        .startsWith("HTTP/1.1 500 ");
  }

  /** Who could not be asked within what may be asked has not said yes. */
  @Test
  void whatWouldBeTooMuchIsRefused() throws IOException {
    publishRequests(true, 10_000);
    assertThat(mesh.ask(GET.replace("ada", "a".repeat(1_025)), "\r\n\r\n"))
        .startsWith("HTTP/1.1 500 ");
    RequestRecord record = only();
    assertThat(record.end().flag()).isEqualTo("RLSE");
    assertThat(record.verdict().reason()).isEqualTo(Reason.RATE_LIMIT_FAILED);
    assertThat(asked()).isNull();
    assertThat(counts()).containsEntry(Limited.ERROR, 1L);

    SnapshotEditor editor =
        mesh.nodes.withRequests(List.of(HttpFixture.match("/.*", "GET"))).edit();
    for (int i = 0; i < 9; i++) {
      NamespacedName name = new NamespacedName("shop", "store" + i);
      editor.put(
          new Service(
              name,
              List.of(),
              List.of(
                  new ServicePort(
                      "http",
                      TwoNodes.SERVICE_PORT,
                      AppProtocol.HTTP,
                      List.of(new Endpoint(mesh.nodes.app.address(), true))))));
      editor.put(
          new UpstreamSetting(
              name,
              name,
              Pool.NONE,
              null,
              new Limits(
                  null,
                  0,
                  null,
                  null,
                  new SharedRequestLimit(limit(BY_USER, true, 10_000), 503, false),
                  List.of())));
    }
    publish(editor.snapshot(revision++), Limits.NONE);
    assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 500 ");
    assertThat(service.asked).hasSize(8);
  }

  private void publishConnections(boolean failOpen) {
    SnapshotEditor editor = mesh.nodes.snapshot().edit();
    editor.put(TwoNodes.service(AppProtocol.TCP, List.of(mesh.nodes.app.address())));
    publish(
        editor.snapshot(revision++),
        new Limits(null, 0, null, limit(FIXED, failOpen, 300), null, List.of()));
  }

  @Test
  void aConnectionIsAskedAboutBeforeAByteOfItPasses() throws Exception {
    int before = mesh.nodes.app.accepted.get();
    service.conduct = (caller, stream, message) -> {};
    publishConnections(true);
    try (Socket client = mesh.connect()) {
      client.getOutputStream().write(GET.getBytes(ISO_8859_1));
      Await.until("it is asked about", () -> !service.asked.isEmpty());
      assertThat(mesh.nodes.app.accepted).hasValue(before);
      assertThat(HttpFixture.read(client, "ok")).as("nobody has answered").endsWith("ok");
    }
    assertThat(asked()).isEqualTo(Entry.newBuilder().setKey("a").setValue("b").build());

    publishConnections(false);
    assertThat(mesh.hearNothing()).isEqualTo("[reset]");
    says(BEYOND);
    assertThat(mesh.hearNothing()).isEqualTo("[reset]");
    assertThat(mesh.nodes.app.accepted).hasValue(before + 1);
    Await.until("both are told of", () -> mesh.nodes.server.recorder.refused.size() == 2);
    assertThat(mesh.nodes.server.recorder.refused)
        .extracting(record -> record.verdict())
        .containsExactly(
            new Verdict(Outcome.REFUSED, Reason.RATE_LIMIT_FAILED, SETTING),
            new Verdict(Outcome.REFUSED, Reason.RATE_LIMITED_GLOBALLY, SETTING));

    service.conduct = (caller, stream, message) -> {};
    service.asked.clear();
    try (Socket client = mesh.connect()) {
      Await.until("it is asked about", () -> !service.asked.isEmpty());
      Peers.reset(client);
    }
    Await.until("who leaves leaves nothing", () -> mesh.nodes.server.proxy.stats().live() == 0);
  }
}
