package io.sluice.control.server;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.sluice.api.identity.v1.NodeAdmissionGrpc;
import io.sluice.control.issuing.Caller;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.limit.Allowances;
import io.sluice.control.metrics.ControllerMetrics.Call;

/**
 * Says which node calls, by its certificate, and how often it may. Every service but admission is
 * closed to those who prove no node, also one that is added later.
 */
final class CallerInterceptor implements ServerInterceptor {
  private static final Context.Key<Caller> CALLER = Context.key("sluice-caller");
  private static final Context.Key<Peer> PEER = Context.key("sluice-peer");

  private final NodeCertificates certificates;
  private final Allowances<String> rate;
  private final Answers answers;

  CallerInterceptor(NodeCertificates certificates, Allowances<String> rate, Answers answers) {
    this.certificates = certificates;
    this.rate = rate;
    this.answers = answers;
  }

  /** The node that makes the call at hand. */
  static Caller caller() {
    return CALLER.get();
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
      if (!isAdmission(call)) {
        Caller caller = certificates.caller(peer.chain());
        who = caller.nodeName();
        if (!rate.take(caller.nodeName())) {
          throw new RefusedException(
              RefusalReason.TOO_MANY_CALLS,
              "node " + caller.nodeName() + " calls too often",
              "let it wait between its calls");
        }
        context = context.withValue(CALLER, caller);
      }
    } catch (RuntimeException e) {
      return refused(call, answers.refusal(callOf(call), who, e));
    }
    return Contexts.interceptCall(context, call, headers, next);
  }

  private static boolean isAdmission(ServerCall<?, ?> call) {
    return NodeAdmissionGrpc.SERVICE_NAME.equals(call.getMethodDescriptor().getServiceName());
  }

  private static Call callOf(ServerCall<?, ?> call) {
    return switch (String.valueOf(call.getMethodDescriptor().getBareMethodName())) {
      case "Admit" -> Call.ADMIT;
      case "RenewNode" -> Call.RENEW_NODE;
      case "Issue" -> Call.ISSUE;
      case "FollowTrustBundle" -> Call.FOLLOW_TRUST_BUNDLE;
      case "Follow" -> Call.FOLLOW;
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
