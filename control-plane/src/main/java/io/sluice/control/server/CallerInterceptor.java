package io.sluice.control.server;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc;
import io.sluice.api.identity.v1.NodeAdmissionGrpc;
import io.sluice.control.issuing.MemberCertificates;
import io.sluice.control.issuing.MemberCertificates.MeshMember;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.NodeCertificates.Caller;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.limit.Allowances;
import io.sluice.control.metrics.ControllerMetrics.Call;

/**
 * Says who calls, by the certificate, and how often it may. Every service but admission, which is
 * for everybody, and Envoy's discovery, which is for workloads too, is closed to those who prove no
 * node, also one that is added later.
 */
record CallerInterceptor(
    NodeCertificates nodes, MemberCertificates members, Allowances<String> rate, Answers answers)
    implements ServerInterceptor {
  private static final Context.Key<Caller> CALLER = Context.key("sluice-caller");
  private static final Context.Key<MeshMember> MEMBER = Context.key("sluice-member");
  private static final Context.Key<Peer> PEER = Context.key("sluice-peer");

  /** The node that makes the call at hand. */
  static Caller caller() {
    return CALLER.get();
  }

  /** The workload or node that makes the call of Envoy's discovery at hand. */
  static MeshMember member() {
    return MEMBER.get();
  }

  /** The other end of the call at hand. */
  static Peer peer() {
    return PEER.get();
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Peer peer = Peer.of(call.getAttributes());
    String who = peer.text();
    Context context = Context.current().withValue(PEER, peer);
    try {
      if (!peer.modern()) {
        throw new RefusedException(
            RefusalReason.TLS_TOO_OLD, "the control port speaks TLS 1.3 only", "use it");
      }
      if (isOf(AggregatedDiscoveryServiceGrpc.SERVICE_NAME, call)) {
        MeshMember member = members.member(peer.chain());
        who = member.identity().toString();
        requireRate(who);
        context = context.withValue(MEMBER, member);
      } else if (!isOf(NodeAdmissionGrpc.SERVICE_NAME, call)) {
        Caller caller = nodes.caller(peer.chain());
        who = caller.nodeName();
        requireRate("node " + who);
        context = context.withValue(CALLER, caller);
      }
    } catch (RuntimeException e) {
      return refused(call, answers.refusal(callOf(call), who, e));
    }
    return Contexts.interceptCall(context, call, headers, next);
  }

  private void requireRate(String who) {
    if (!rate.take(who)) {
      throw new RefusedException(
          RefusalReason.TOO_MANY_CALLS, who + " calls too often", "let it wait between its calls");
    }
  }

  private static boolean isOf(String service, ServerCall<?, ?> call) {
    return service.equals(call.getMethodDescriptor().getServiceName());
  }

  private static Call callOf(ServerCall<?, ?> call) {
    return switch (String.valueOf(call.getMethodDescriptor().getBareMethodName())) {
      case "Admit" -> Call.ADMIT;
      case "RenewNode" -> Call.RENEW_NODE;
      case "Issue" -> Call.ISSUE;
      case "FollowTrustBundle" -> Call.FOLLOW_TRUST_BUNDLE;
      case "StreamAggregatedResources", "DeltaAggregatedResources" -> Call.AGGREGATED_DISCOVERY;
      default -> Call.OTHER;
    };
  }

  private static <Q> ServerCall.Listener<Q> refused(
      ServerCall<Q, ?> call, StatusRuntimeException refusal) {
    Metadata trailers = refusal.getTrailers();
    call.close(refusal.getStatus(), trailers == null ? new Metadata() : trailers);
    return new ServerCall.Listener<>() {};
  }
}
