package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc;
import io.sluice.api.envoy.discovery.DiscoveryRequest;
import io.sluice.api.envoy.discovery.DiscoveryResponse;
import io.sluice.control.xds.translate.XdsType;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A client of the aggregated stream that does what the test says, request by request. */
final class AdsClient implements StreamObserver<DiscoveryResponse> {
  private static final int PATIENCE_SECONDS = 20;

  private final BlockingQueue<DiscoveryResponse> responses = new LinkedBlockingQueue<>();
  private final CompletableFuture<Status> end = new CompletableFuture<>();
  private final StreamObserver<DiscoveryRequest> requests;

  AdsClient(Channel channel) {
    this.requests = AggregatedDiscoveryServiceGrpc.newStub(channel).streamAggregatedResources(this);
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
  Status end() throws Exception {
    return end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void onNext(DiscoveryResponse response) {
    responses.add(response);
  }

  @Override
  public void onError(Throwable failure) {
    end.complete(Status.fromThrowable(failure));
  }

  @Override
  public void onCompleted() {
    end.complete(Status.OK);
  }
}
