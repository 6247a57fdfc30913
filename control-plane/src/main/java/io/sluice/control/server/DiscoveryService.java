package io.sluice.control.server;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.sluice.api.discovery.v1.DiscoveryGrpc.DiscoveryImplBase;
import io.sluice.api.discovery.v1.FollowRequest;
import io.sluice.api.discovery.v1.FollowResponse;
import io.sluice.control.distribution.Distribution;
import io.sluice.control.issuing.Caller;
import io.sluice.control.metrics.ControllerMetrics.Call;

/** What nodes need, to nodes, each known by its certificate. */
final class DiscoveryService extends DiscoveryImplBase {
  private final Distribution distribution;
  private final Answers answers;

  DiscoveryService(Distribution distribution, Answers answers) {
    this.distribution = distribution;
    this.answers = answers;
  }

  @Override
  public StreamObserver<FollowRequest> follow(StreamObserver<FollowResponse> out) {
    Caller caller = CallerInterceptor.caller();
    answers.served(Call.FOLLOW, caller.nodeName());
    return distribution.follow(
        caller,
        (ServerCallStreamObserver<FollowResponse>) out,
        why -> answers.refusal(Call.FOLLOW, caller.nodeName(), why));
  }
}
