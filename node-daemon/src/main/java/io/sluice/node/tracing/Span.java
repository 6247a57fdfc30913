package io.sluice.node.tracing;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.events.AccessLines;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.TraceSpan;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One request as one of its two nodes saw it. What it says goes by OpenTelemetry's conventions,
 * whatever the collector speaks.
 *
 * @param end when that was
 * @param service whose it is: the account of the pod, else the pod
 * @param peerOrNull the service that is called, or the account or pod that calls, as far as that is
 *     known
 */
record Span(
    Instant end,
    RequestRecord request,
    TraceSpan trace,
    String service,
    @Nullable String peerOrNull) {
  /** Those for which a server is to blame, by OpenTelemetry's conventions. */
  private static final Set<String> GRPC_FAILURES = Set.of("2", "4", "12", "13", "14", "15");

  /** Others are no names: a caller could make any number of them. */
  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH");

  Span {
    request = AccessLines.bounded(request); // what a stranger put in
  }

  /** Of a request that has ended just now. */
  static Span of(MeshSnapshot snapshot, RequestRecord request, TraceSpan trace) {
    ConnectionInfo info = request.info();
    NamespacedName peer = info.serviceOrNull();
    if (info.direction() == Direction.INBOUND) {
      SpiffeId caller = info.sourceIdentityOrNull();
      NamespacedName pod = info.sourceOrNull();
      peer =
          caller == null
              ? pod == null ? null : account(snapshot, pod)
              : caller.serviceAccountName();
    }
    return new Span(
        Instant.now(),
        request,
        trace,
        dotted(account(snapshot, info.pod())),
        peer == null ? null : dotted(peer));
  }

  private static NamespacedName account(MeshSnapshot snapshot, NamespacedName pod) {
    return snapshot.identityOf(pod).map(SpiffeId::serviceAccountName).orElse(pod);
  }

  /** Whether the caller did not get what it asked for, but for what a route answers. */
  static boolean hasFailed(RequestRecord request) {
    String grpc = request.grpcStatusOrNull();
    return !isAnswered(request)
        || request.status() >= 500
        || (grpc != null && GRPC_FAILURES.contains(grpc));
  }

  private static boolean isAnswered(RequestRecord request) {
    End how = request.end();
    return how == End.WHOLE || how == End.DELAYED || how == End.ROUTED;
  }

  /** Why it has failed; null where it has not. */
  @Nullable String failure() {
    if (!hasFailed(request)) {
      return null;
    }
    return !isAnswered(request)
        ? request.end().label()
        : request.status() >= 500
            ? Integer.toString(request.status())
            : "grpc-status " + request.grpcStatusOrNull();
  }

  String name() {
    return METHODS.contains(request.method()) ? request.method() : "HTTP";
  }

  boolean isClient() {
    return info().direction() == Direction.OUTBOUND;
  }

  Instant start() {
    return end.minus(request.duration());
  }

  private ConnectionInfo info() {
    return request.info();
  }

  @Nullable InetSocketAddress peer() {
    return isClient() ? info().upstreamOrNull() : info().client();
  }

  private static String dotted(NamespacedName name) {
    return name.name() + "." + name.namespace();
  }

  /** Texts and numbers. */
  Map<String, Object> attributes() {
    Map<String, Object> all = new LinkedHashMap<>();
    boolean known = METHODS.contains(request.method());
    all.put("http.request.method", known ? request.method() : "_OTHER");
    putIfKnown(all, "http.request.method_original", known ? null : request.method());
    all.put("url.path", request.path());
    all.put("server.address", request.authority().replaceFirst(":[0-9]*$", ""));
    all.put("network.protocol.version", request.version().substring("HTTP/".length()));
    if (request.status() > 0) {
      all.put("http.response.status_code", (long) request.status());
    }
    all.put("http.request.body.size", request.requestBytes());
    all.put("http.response.body.size", request.responseBytes());
    putIfKnown(all, "rpc.grpc.status_code", request.grpcStatusOrNull());
    putIfKnown(all, "user_agent.original", request.userAgentOrNull());
    putIfKnown(all, "http.request.header.x-request-id", request.requestIdOrNull());
    putIfKnown(all, "error.type", failure());
    all.put("k8s.namespace.name", info().pod().namespace());
    all.put("k8s.pod.name", info().pod().name());
    all.put("sluice.response_flags", request.end().flag());
    return all;
  }

  private static void putIfKnown(Map<String, Object> all, String name, @Nullable String value) {
    if (value != null) {
      all.put(name, value);
    }
  }
}
