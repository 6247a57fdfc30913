package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc;
import io.sluice.api.envoy.discovery.DiscoveryRequest;
import io.sluice.api.envoy.discovery.DiscoveryResponse;
import io.sluice.api.envoy.tls.Secret;
import io.sluice.control.authority.Await;
import io.sluice.control.authority.Requests;
import io.sluice.control.xds.StoreMesh;
import io.sluice.control.xds.translate.XdsType;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.IpAddresses;
import java.nio.file.Path;
import java.security.KeyPair;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
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
  private ControlSite site;
  private NodeClient edge1;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.with(home, mesh);
    edge1 = site.joined("edge1");
  }

  @AfterEach
  void stop() {
    edge1.close();
    site.close();
  }

  /** A workload of that account: its certificate is issued to its node, as always. */
  private NodeClient workload(String account) throws Exception {
    KeyPair own = Requests.keyPair("secp256r1");
    var chain = edge1.issue(ControlSite.id(account), NodeClient.request(own));
    return site.stranger().showing(own, chain);
  }

  @Test
  void strangerIsToldNothing() throws Exception {
    try (NodeClient stranger = site.stranger()) {
      AdsClient client = new AdsClient(stranger.channel()).ask(XdsType.CLUSTER);

      assertThat(client.end().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    }
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

      site.clock().advance(ControlSite.LEAF.plusSeconds(1));

      assertThat(client.end().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
      assertThat(site.controller().status().xdsClients()).isEmpty();
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
  void requestThatMakesNoSenseEndsTheStream() throws Exception {
    AdsClient client = new AdsClient(edge1.channel());
    client.acknowledge(DiscoveryResponse.newBuilder().setTypeUrl(XdsType.CLUSTER.url()).build());

    assertThat(client.end().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(client.end().getDescription()).contains("says no node");
  }
}
