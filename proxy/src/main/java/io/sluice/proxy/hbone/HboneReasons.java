package io.sluice.proxy.hbone;

import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.socket.ConnectFailures;
import org.jspecify.annotations.Nullable;

/** What reasons become on their way to the calling proxy, and what answers mean there. */
final class HboneReasons {
  private HboneReasons() {}

  /** What is answered to a peer whose connection is refused for {@code reason}. */
  static HboneStatus status(Reason reason) {
    return switch (reason) {
      case MTLS_REQUIRED,
          NO_TRAFFIC_TARGET,
          PORT_NOT_GRANTED,
          SOURCE_NOT_IN_MESH,
          EGRESS_DISABLED ->
          HboneStatus.DENIED;
      case WRONG_DESTINATION -> HboneStatus.WRONG_DESTINATION;
      case UPSTREAM_REFUSED -> HboneStatus.UPSTREAM_REFUSED;
      case UPSTREAM_UNREACHABLE -> HboneStatus.UPSTREAM_UNREACHABLE;
      case CONNECT_TIMEOUT -> HboneStatus.UPSTREAM_TIMEOUT;
      case CONNECTION_LIMIT, SOURCE_LIMIT, NODE_CONNECTION_LIMIT -> HboneStatus.CONNECTION_LIMIT;
      case DRAINING -> HboneStatus.DRAINING;
      default -> HboneStatus.INTERNAL_ERROR;
    };
  }

  /** Why there is no stream. */
  static Reason reason(OpenFailure failure) {
    Throwable cause = failure.causeOrNull();
    return switch (failure.kind()) {
      case NO_SOCKET -> Reason.INTERNAL_ERROR;
      case UNREACHABLE ->
          cause == null ? Reason.UPSTREAM_UNREACHABLE : ConnectFailures.reason(cause);
      case CONNECT_TIMEOUT, ANSWER_TIMEOUT -> Reason.CONNECT_TIMEOUT;
      case TLS -> Reason.TLS_FAILED;
      case REFUSED -> reason(failure.statusOrNull());
      case CONNECTION_LOST -> Reason.UPSTREAM_UNREACHABLE;
      case LIMIT -> Reason.CONNECTION_LIMIT;
      case CLOSED -> Reason.DRAINING;
    };
  }

  private static Reason reason(@Nullable HboneStatus status) {
    return switch (status) {
      case DENIED -> Reason.REFUSED_BY_PEER;
      case WRONG_DESTINATION -> Reason.WRONG_DESTINATION;
      case UPSTREAM_REFUSED -> Reason.UPSTREAM_REFUSED;
      case UPSTREAM_UNREACHABLE, DRAINING -> Reason.UPSTREAM_UNREACHABLE;
      case UPSTREAM_TIMEOUT -> Reason.CONNECT_TIMEOUT;
      case CONNECTION_LIMIT -> Reason.CONNECTION_LIMIT;
      case MALFORMED, METHOD_NOT_ALLOWED, HEADERS_TOO_MANY, INTERNAL_ERROR, UNKNOWN ->
          Reason.PEER_FAILED;
      case null -> Reason.PEER_FAILED;
    };
  }
}
