package io.sluice.control.server;

import com.google.protobuf.MessageLite;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceImplBase;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.DiscoveryRequest;
import io.sluice.api.envoy.discovery.DiscoveryResponse;
import io.sluice.control.distribution.Distribution;
import io.sluice.control.issuing.MemberCertificates.MeshMember;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.NodeCertificates.Caller;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.metrics.ControllerMetrics.Call;
import io.sluice.control.streaming.ServedStream;
import io.sluice.control.xds.stream.Variant;
import io.sluice.control.xds.stream.XdsStreams;
import io.sluice.mesh.Marker;
import org.jspecify.annotations.Nullable;

/**
 * The mesh over Envoy's discovery protocol: in Envoy's types to workloads and nodes, and what a
 * node needs for itself in our own, each caller known by its certificate.
 */
final class AggregatedDiscovery extends AggregatedDiscoveryServiceImplBase {
  private final XdsStreams streams;
  private final Distribution distribution;
  private final NodeCertificates nodes;
  private final Answers answers;

  AggregatedDiscovery(
      XdsStreams streams, Distribution distribution, NodeCertificates nodes, Answers answers) {
    this.streams = streams;
    this.distribution = distribution;
    this.nodes = nodes;
    this.answers = answers;
  }

  @Override
  public StreamObserver<DiscoveryRequest> streamAggregatedResources(
      StreamObserver<DiscoveryResponse> response) {
    var out = (ServerCallStreamObserver<DiscoveryResponse>) response;
    var stream = open(Variant.STATE_OF_THE_WORLD, CallerInterceptor.member(), out);
    out.setOnCancelHandler(() -> stream.onError(gone()));
    out.setOnReadyHandler(stream::wake);
    return stream;
  }

  @Override
  public StreamObserver<DeltaDiscoveryRequest> deltaAggregatedResources(
      StreamObserver<DeltaDiscoveryResponse> response) {
    var out = (ServerCallStreamObserver<DeltaDiscoveryResponse>) response;
    Incremental stream = new Incremental(CallerInterceptor.member(), CallerInterceptor.peer(), out);
    out.setOnCancelHandler(() -> stream.onError(gone()));
    out.setOnReadyHandler(stream::wake);
    return stream;
  }

  private static StatusRuntimeException gone() {
    return Status.CANCELLED.asRuntimeException();
  }

  private <Q, A extends MessageLite> ServedStream<Q> open(
      Variant<Q, A> variant, MeshMember member, ServerCallStreamObserver<A> out) {
    String who = member.identity().toString();
    answers.served(Call.AGGREGATED_DISCOVERY, who);
    return streams.open(
        member, variant, out, why -> answers.refusal(Call.AGGREGATED_DISCOVERY, who, why));
  }

  private ServedStream<DeltaDiscoveryRequest> follow(
      Peer peer, ServerCallStreamObserver<DeltaDiscoveryResponse> out) {
    Caller caller = nodes.caller(peer.chain());
    answers.served(Call.FOLLOW, caller.nodeName());
    return distribution.follow(
        caller, out, why -> answers.refusal(Call.FOLLOW, caller.nodeName(), why));
  }

  /** A stream of which the first request says by its type whose it is. One thread at a time. */
  private final class Incremental implements ServedStream<DeltaDiscoveryRequest> {
    private final MeshMember member;
    private final Peer peer;
    private final ServerCallStreamObserver<DeltaDiscoveryResponse> out;
    private volatile @Nullable ServedStream<DeltaDiscoveryRequest> chosen;
    private boolean refused;

    Incremental(
        MeshMember member, Peer peer, ServerCallStreamObserver<DeltaDiscoveryResponse> out) {
      this.member = member;
      this.peer = peer;
      this.out = out;
    }

    @Override
    public void onNext(DeltaDiscoveryRequest request) {
      ServedStream<DeltaDiscoveryRequest> stream = chosen;
      if (refused) {
        return;
      }
      if (stream == null) {
        try {
          stream =
              request.getTypeUrl().startsWith(Marker.OF_NODES)
                  ? follow(peer, out)
                  : open(Variant.INCREMENTAL, member, out);
        } catch (RefusedException e) {
          refused = true;
          out.onError(answers.refusal(Call.FOLLOW, member.identity().toString(), e));
          return;
        }
        chosen = stream;
      }
      stream.onNext(request);
    }

    @Override
    public void wake() {
      ServedStream<DeltaDiscoveryRequest> stream = chosen;
      if (stream != null) {
        stream.wake();
      }
    }

    @Override
    public void onError(Throwable failure) {
      ServedStream<DeltaDiscoveryRequest> stream = chosen;
      if (stream != null) {
        stream.onError(failure);
      }
    }

    @Override
    public void onCompleted() {
      ServedStream<DeltaDiscoveryRequest> stream = chosen;
      if (stream != null) {
        stream.onCompleted();
      } else if (!refused) {
        out.onCompleted();
      }
    }
  }
}
