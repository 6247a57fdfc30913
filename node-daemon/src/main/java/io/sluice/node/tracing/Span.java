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
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One request as one of its two nodes saw it. What it says goes by OpenTelemetry's conventions,
 * whatever the collector speaks.
 *
 * @param end when that was
 */
record Span(Instant end, RequestRecord request, TraceSpan trace) {
  /** Those for which a server is to blame, by OpenTelemetry's conventions. */
  private static final Set<String> GRPC_FAILURES = Set.of("2", "4", "12", "13", "14", "15");

  /** Others are no names: a caller could make any number of them. */
  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH");

  Span {
    request = AccessLines.bounded(request); // what a stranger put in
  }

  /** Of a request that has ended just now. */
  static Span of(RequestRecord request, TraceSpan trace) {
    return new Span(Instant.now(), request, trace);
  }

  /** Whose it is: the account of the pod, else the pod. */
  static String service(MeshSnapshot snapshot, NamespacedName pod) {
    return dotted(account(snapshot, pod));
  }

  /** The service that is called, or the account or pod that calls, as far as that is known. */
  @Nullable String peerService(MeshSnapshot snapshot) {
    NamespacedName peer = info().serviceOrNull();
    if (info().direction() == Direction.INBOUND) {
      SpiffeId caller = info().sourceIdentityOrNull();
      NamespacedName pod = info().sourceOrNull();
      peer =
          caller == null
              ? pod == null ? null : account(snapshot, pod)
              : caller.serviceAccountName();
    }
    return peer == null ? null : dotted(peer);
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

  /** Hears of attributes, in the order in which they are told. */
  interface Attributes {
    void text(String name, String value);

    void number(String name, long value);

    default void textIfKnown(String name, @Nullable String value) {
      if (value != null) {
        text(name, value);
      }
    }
  }

  /** Tells all of them. */
  void tell(Attributes to) {
    tellRequest(to);
    tellClient(to);
    tellEnds(to);
  }

  /** Those of which each request has its own. */
  void tellRequest(Attributes to) {
    boolean known = METHODS.contains(request.method());
    to.text("http.request.method", known ? request.method() : "_OTHER");
    to.textIfKnown("http.request.method_original", known ? null : request.method());
    to.text("url.path", request.path());
    if (request.status() > 0) {
      to.number("http.response.status_code", request.status());
    }
    to.number("http.request.body.size", request.requestBytes());
    to.number("http.response.body.size", request.responseBytes());
    to.textIfKnown("rpc.grpc.status_code", request.grpcStatusOrNull());
    to.textIfKnown("http.request.header.x-request-id", request.requestIdOrNull());
    to.textIfKnown("error.type", failure());
    to.text("sluice.response_flags", request.end().flag());
  }

  /** Those that go by version, authority and who asks. */
  void tellClient(Attributes to) {
    to.text("server.address", withoutPort(request.authority()));
    to.text("network.protocol.version", request.version().substring("HTTP/".length()));
    to.textIfKnown("user_agent.original", request.userAgentOrNull());
  }

  /** Those of the connection. */
  void tellEnds(Attributes to) {
    to.text("k8s.namespace.name", info().pod().namespace());
    to.text("k8s.pod.name", info().pod().name());
  }

  private static String withoutPort(String authority) {
    int end = authority.length();
    while (end > 0 && authority.charAt(end - 1) >= '0' && authority.charAt(end - 1) <= '9') {
      end--;
    }
    return end > 0 && authority.charAt(end - 1) == ':'
        ? authority.substring(0, end - 1)
        : authority;
  }
}
