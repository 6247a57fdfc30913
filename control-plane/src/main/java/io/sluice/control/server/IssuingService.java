package io.sluice.control.server;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.sluice.api.identity.v1.FollowTrustBundleRequest;
import io.sluice.api.identity.v1.IssueRequest;
import io.sluice.api.identity.v1.IssueResponse;
import io.sluice.api.identity.v1.RenewNodeRequest;
import io.sluice.api.identity.v1.RenewNodeResponse;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.api.identity.v1.WorkloadIssuingGrpc.WorkloadIssuingImplBase;
import io.sluice.control.issuing.Issuing;
import io.sluice.control.issuing.NodeCertificates.Caller;
import io.sluice.control.metrics.ControllerMetrics.Call;

/** For nodes, each known by its certificate. */
final class IssuingService extends WorkloadIssuingImplBase {
  private final Issuing issuing;
  private final BundleFeed feed;
  private final Answers answers;

  IssuingService(Issuing issuing, BundleFeed feed, Answers answers) {
    this.issuing = issuing;
    this.feed = feed;
    this.answers = answers;
  }

  @Override
  public void renewNode(RenewNodeRequest request, StreamObserver<RenewNodeResponse> out) {
    Caller caller = CallerInterceptor.caller();
    byte[] signingRequest = request.getSigningRequest().toByteArray();
    answers.answer(
        Call.RENEW_NODE,
        caller.nodeName(),
        out,
        () ->
            RenewNodeResponse.newBuilder()
                .setCertificate(Messages.of(issuing.renew(caller, signingRequest)))
                .build());
  }

  @Override
  public void issue(IssueRequest request, StreamObserver<IssueResponse> out) {
    Caller caller = CallerInterceptor.caller();
    byte[] signingRequest = request.getSigningRequest().toByteArray();
    answers.answer(
        Call.ISSUE,
        caller.nodeName(),
        out,
        () ->
            IssueResponse.newBuilder()
                .setCertificate(
                    Messages.of(issuing.issue(caller, request.getIdentity(), signingRequest)))
                .build());
  }

  @Override
  public void followTrustBundle(FollowTrustBundleRequest request, StreamObserver<TrustBundle> out) {
    feed.follow(CallerInterceptor.caller(), (ServerCallStreamObserver<TrustBundle>) out);
  }
}
