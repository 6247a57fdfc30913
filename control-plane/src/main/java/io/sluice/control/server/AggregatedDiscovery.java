package io.sluice.control.server;

import com.google.protobuf.MessageLite;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceImplBase;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.DiscoveryRequest;
import io.sluice.api.envoy.discovery.DiscoveryResponse;
import io.sluice.control.issuing.MeshMember;
import io.sluice.control.metrics.ControllerMetrics.Call;
import io.sluice.control.xds.stream.Variant;
import io.sluice.control.xds.stream.XdsStreams;

/** The mesh in Envoy's types, to workloads and nodes, each known by its certificate. */
final class AggregatedDiscovery extends AggregatedDiscoveryServiceImplBase {
  private final XdsStreams streams;
  private final Answers answers;

  AggregatedDiscovery(XdsStreams streams, Answers answers) {
    this.streams = streams;
    this.answers = answers;
  }

  @Override
  public StreamObserver<DiscoveryRequest> streamAggregatedResources(
      StreamObserver<DiscoveryResponse> out) {
    return open(Variant.STATE_OF_THE_WORLD, out);
  }

  @Override
  public StreamObserver<DeltaDiscoveryRequest> deltaAggregatedResources(
      StreamObserver<DeltaDiscoveryResponse> out) {
    return open(Variant.INCREMENTAL, out);
  }

  private <Q, A extends MessageLite> StreamObserver<Q> open(
      Variant<Q, A> variant, StreamObserver<A> out) {
    MeshMember member = CallerInterceptor.member();
    String who = member.identity().toString();
    answers.served(Call.AGGREGATED_DISCOVERY, who);
    return streams.open(
        member,
        variant,
        (ServerCallStreamObserver<A>) out,
        why -> answers.refusal(Call.AGGREGATED_DISCOVERY, who, why));
  }
}
