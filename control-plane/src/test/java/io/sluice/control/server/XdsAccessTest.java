package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.stub.StreamObserver;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.DiscoveryRequest;
import io.sluice.api.envoy.discovery.DiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.envoy.rpc.Status;
import io.sluice.api.envoy.tls.Secret;
import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.xds.StoreMesh;
import io.sluice.control.xds.stream.XdsClientState;
import io.sluice.control.xds.translate.XdsType;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.svid.SvidJudge;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is told what over the real control port, message by message. */
class XdsAccessTest {
  private static final String ROOTS = "spiffe://cluster.local";

  @TempDir private Path home;

  private final StoreMesh mesh =
      new StoreMesh(IpAddresses.parse("10.0.0.3"), AppProtocol.GRPC).behind(8080);
  @AutoClose private ControlSite site;
  private NodeClient edge1;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.with(home, mesh);
    edge1 = site.joined("edge1");
  }

  /** A workload of that account: its certificate is issued to its node, as always. */
  private NodeClient workload(String account) throws Exception {
    KeyPair own = Requests.keyPair("secp256r1");
    var chain = edge1.issue(ControlSite.id(account), NodeClient.request(own));
    return site.stranger().showing(own, chain);
  }

  @Tag("attack")
  @Test
  void strangerIsToldNothing() throws Exception {
    try (NodeClient stranger = site.stranger()) {
      AdsClient client = new AdsClient(stranger.channel()).ask(XdsType.CLUSTER);

      assertThat(client.end().getCode()).isEqualTo(Code.UNAUTHENTICATED);
    }

    Attack.tried("an xDS client without a certificate")
        .refusedBy("the controller, UNAUTHENTICATED")
        .countedAs("the client's status: UNAUTHENTICATED");
  }

  @ParameterizedTest
  @CsvSource({"buyer, 1", "thief, 0"})
  void workloadIsToldWhatItMayCall(String account, int told) throws Exception {
    try (NodeClient workload = workload(account)) {
      AdsClient client = new AdsClient(workload.channel()).ask(XdsType.CLUSTER);

      assertThat(client.next(XdsType.CLUSTER).getResourcesCount()).isEqualTo(told);
    }
  }

  @Test
  void nodeIsToldWhatItsPodsMayCallAndTheRoots() throws Exception {
    AdsClient client =
        new AdsClient(edge1.channel()).ask(XdsType.CLUSTER).ask(XdsType.SECRET, ROOTS);

    assertThat(client.next(XdsType.CLUSTER).getResourcesCount()).isEqualTo(1);
    Secret roots = client.next(XdsType.SECRET).getResources(0).unpack(Secret.class);
    assertThat(roots.getName()).isEqualTo(ROOTS);
    assertThat(roots.getValidationContext().getTrustedCa().getInlineString())
        .contains("BEGIN CERTIFICATE")
        .doesNotContain("PRIVATE KEY");
  }

  @Test
  void streamEndsWithTheCertificateThatItBeganWith() throws Exception {
    try (NodeClient buyer = workload("buyer")) {
      AdsClient client = new AdsClient(buyer.channel()).ask(XdsType.CLUSTER);
      client.next(XdsType.CLUSTER);

      site.clock().advance(ControlSite.LEAF.plus(SvidJudge.CLOCK_SKEW).plusSeconds(1));

      assertThat(client.end().getCode()).isEqualTo(Code.UNAUTHENTICATED);
      Await.until("it is forgotten", () -> site.controller().status().xdsClients().isEmpty());
    }
  }

  @Test
  void controllerThatHasNotReadEverythingTakesNothingAway() throws Exception {
    edge1.close();
    site.end();
    mesh.granted(false);
    mesh.complete(false);
    site.restart(ControlSite.defaults());
    edge1 = site.joined("edge1");
    AdsClient client =
        new AdsClient(edge1.channel())
            .ask(XdsType.LISTENER, StoreMesh.NAME)
            .ask(XdsType.SECRET, ROOTS);

    client.next(XdsType.SECRET); // and no listeners before it, which come first

    mesh.complete(true);
    assertThat(client.next(XdsType.LISTENER).getResourcesCount()).isZero();
  }

  @Test
  void clientThatTakesNothingHoldsUpNobody() throws Exception {
    try (NodeClient buyer = workload("buyer")) {
      ClientCall<DiscoveryRequest, DiscoveryResponse> deaf =
          edge1
              .channel()
              .newCall(
                  AggregatedDiscoveryServiceGrpc.getStreamAggregatedResourcesMethod(),
                  CallOptions.DEFAULT);
      deaf.start(new ClientCall.Listener<>() {}, new Metadata());
      deaf.sendMessage(
          DiscoveryRequest.newBuilder()
              .setNode(Node.newBuilder().setId("deaf"))
              .setTypeUrl(XdsType.ENDPOINT.url())
              .addResourceNames(StoreMesh.NAME)
              .build());
      Await.until("it waits", () -> pending("deaf"));
      AdsClient other = new AdsClient(buyer.channel()).ask(XdsType.ENDPOINT, StoreMesh.NAME);

      for (int port = 9000; port < 9010; port++) {
        DiscoveryResponse told = other.next(XdsType.ENDPOINT);
        other.acknowledge(told, StoreMesh.NAME);
        mesh.behind(port);
      }

      assertThat(other.next(XdsType.ENDPOINT).getResourcesCount()).isEqualTo(1);
      assertThat(pending("deaf")).isTrue();
      deaf.cancel("the test is over", null);
    }
  }

  private boolean pending(String client) {
    return site.controller().status().xdsClients().stream()
        .filter(each -> each.id().equals(client))
        .flatMap(each -> each.types().stream())
        .anyMatch(type -> type.pending());
  }

  @Test
  void incrementalClientIsToldWhatHasChangedAndWhatIsNoMore() throws Exception {
    BlockingQueue<DeltaDiscoveryResponse> told = new LinkedBlockingQueue<>();
    StreamObserver<DeltaDiscoveryRequest> asking =
        AggregatedDiscoveryServiceGrpc.newStub(edge1.channel())
            .deltaAggregatedResources(
                new StreamObserver<>() {
                  @Override
                  public void onNext(DeltaDiscoveryResponse response) {
                    told.add(response);
                  }

                  @Override
                  public void onError(Throwable failure) {}

                  @Override
                  public void onCompleted() {}
                });
    DeltaDiscoveryRequest clusters =
        DeltaDiscoveryRequest.newBuilder()
            .setNode(Node.newBuilder().setId("delta"))
            .setTypeUrl(XdsType.CLUSTER.url())
            .build();
    asking.onNext(clusters.toBuilder().addResourceNamesSubscribe(StoreMesh.NAME).build());

    DeltaDiscoveryResponse first = told.poll(20, TimeUnit.SECONDS);
    assertThat(first).isNotNull();
    assertThat(first.getResourcesList())
        .extracting(Resource::getName)
        .containsExactly(StoreMesh.NAME);
    asking.onNext(clusters.toBuilder().setResponseNonce(first.getNonce()).build());
    Await.until("it is in force", () -> !pending("delta"));
    mesh.granted(false);

    DeltaDiscoveryResponse end = told.poll(20, TimeUnit.SECONDS);
    assertThat(end).isNotNull();
    assertThat(end.getRemovedResourcesList()).containsExactly(StoreMesh.NAME);
    asking.onNext(
        clusters.toBuilder()
            .setResponseNonce(end.getNonce())
            .setErrorDetail(Status.newBuilder().setMessage("not now"))
            .build());
    Await.until("its refusal is known", () -> problems("delta").endsWith("not now"));
  }

  private String problems(String client) {
    return site.controller().status().xdsClients().stream()
        .filter(each -> each.id().equals(client))
        .flatMap(each -> each.types().stream())
        .map(XdsClientState.OfType::problem)
        .collect(Collectors.joining());
  }

  @Tag("attack")
  @Test
  void clientsOfOneIdentityNameNoMoreThanIsKept() throws Exception {
    CompletableFuture<io.grpc.Status> end = new CompletableFuture<>();
    StreamObserver<DeltaDiscoveryRequest> asking =
        AggregatedDiscoveryServiceGrpc.newStub(edge1.channel())
            .deltaAggregatedResources(
                new StreamObserver<>() {
                  @Override
                  public void onNext(DeltaDiscoveryResponse response) {}

                  @Override
                  public void onError(Throwable failure) {
                    end.complete(io.grpc.Status.fromThrowable(failure));
                  }

                  @Override
                  public void onCompleted() {}
                });
    for (int request = 0; request < 30 && !end.isDone(); request++) {
      var names = DeltaDiscoveryRequest.newBuilder().setNode(Node.newBuilder().setId("greedy"));
      for (int name = 0; name < 120; name++) {
        names.addResourceNamesSubscribe("%500d".formatted(request * 120 + name));
      }
      asking.onNext(names.setTypeUrl(XdsType.ENDPOINT.url()).build());
    }

    io.grpc.Status status = end.get(20, TimeUnit.SECONDS);
    assertThat(status.getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED);
    assertThat(status.getDescription()).contains("characters are kept");
    Attack.tried("an xDS client that names more than the controller has memory for")
        .refusedBy("the controller, too_much_asked")
        .countedAs("sluice_control_refusals_total{reason=\"too_much_asked\"}");
  }

  @Test
  void requestThatMakesNoSenseEndsTheStream() throws Exception {
    AdsClient client = new AdsClient(edge1.channel());
    client.acknowledge(DiscoveryResponse.newBuilder().setTypeUrl(XdsType.CLUSTER.url()).build());

    assertThat(client.end().getCode()).isEqualTo(Code.INVALID_ARGUMENT);
    assertThat(client.end().getDescription()).contains("says no node");
  }

  /** A client of the aggregated stream that does what the test says, request by request. */
  private static final class AdsClient implements StreamObserver<DiscoveryResponse> {
    private static final int PATIENCE_SECONDS = 20;

    private final BlockingQueue<DiscoveryResponse> responses = new LinkedBlockingQueue<>();
    private final CompletableFuture<io.grpc.Status> end = new CompletableFuture<>();
    private final StreamObserver<DiscoveryRequest> requests;

    AdsClient(Channel channel) {
      this.requests =
          AggregatedDiscoveryServiceGrpc.newStub(channel).streamAggregatedResources(this);
    }

    /** Asks for names of a type; none means all of it. */
    AdsClient ask(XdsType type, String... names) {
      requests.onNext(
          DiscoveryRequest.newBuilder()
              .setNode(Node.newBuilder().setId("test"))
              .setTypeUrl(type.url())
              .addAllResourceNames(List.of(names))
              .build());
      return this;
    }

    /** Says that the response is in force, and that the names are still wanted. */
    void acknowledge(DiscoveryResponse response, String... names) {
      requests.onNext(
          DiscoveryRequest.newBuilder()
              .setTypeUrl(response.getTypeUrl())
              .setVersionInfo(response.getVersionInfo())
              .setResponseNonce(response.getNonce())
              .addAllResourceNames(List.of(names))
              .build());
    }

    /** The next response, which has to be of that type. */
    DiscoveryResponse next(XdsType type) throws InterruptedException {
      DiscoveryResponse response = responses.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
      assertThat(response).as("a response of type %s", type).isNotNull();
      assertThat(response.getTypeUrl()).isEqualTo(type.url());
      return response;
    }

    /** How the stream ends. */
    io.grpc.Status end() throws Exception {
      return end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void onNext(DiscoveryResponse response) {
      responses.add(response);
    }

    @Override
    public void onError(Throwable failure) {
      end.complete(io.grpc.Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
      end.complete(io.grpc.Status.OK);
    }
  }
}
