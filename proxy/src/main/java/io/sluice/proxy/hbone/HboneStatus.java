package io.sluice.proxy.hbone;

import io.sluice.mesh.decision.Reason;
import java.util.Optional;

/**
 * Answers to a CONNECT other than 200: the HTTP status, and the error type of the {@code
 * proxy-status} header (RFC 9209 §2.3) that says more.
 */
public enum HboneStatus {
  MALFORMED(400, "http_request_error"), // the request is no CONNECT to an address and port
  WRONG_DESTINATION(400, "destination_not_found"), // the address is not of the workload called
  DENIED(403, "http_request_denied"), // the verdict is against the connection
  METHOD_NOT_ALLOWED(405, "http_request_error"), // only CONNECT is served
  HEADERS_TOO_MANY(431, "http_request_error"), // the request has too many headers
  INTERNAL_ERROR(500, "proxy_internal_error"), // the serving proxy failed; see its log
  UPSTREAM_REFUSED(503, "connection_refused"), // the application refused the connection
  UPSTREAM_UNREACHABLE(503, "destination_ip_unroutable"), // the application cannot be reached
  CONNECTION_LIMIT(503, "connection_limit_reached"), // the workload has as many as it may have
  DRAINING(503, "destination_unavailable"), // the serving proxy is stopping
  UPSTREAM_TIMEOUT(504, "connection_timeout"), // the application did not answer in time
  UNKNOWN(0, ""); // the peer answered with a status that it did not explain

  private final int code;
  private final String error;

  HboneStatus(int code, String error) {
    this.code = code;
    this.error = error;
  }

  /** HTTP status code; 0 for {@link #UNKNOWN}, which is never sent. */
  public int code() {
    return code;
  }

  /** Value of the {@code proxy-status} header. */
  String proxyStatus() {
    return "sluice; error=" + error;
  }

  /** What is answered to a peer whose connection is refused for {@code reason}. */
  static HboneStatus of(Reason reason) {
    return switch (reason) {
      case MTLS_REQUIRED,
          NO_TRAFFIC_TARGET,
          PORT_NOT_GRANTED,
          HTTP_ONLY,
          SOURCE_NOT_IN_MESH,
          EGRESS_DISABLED ->
          DENIED;
      case WRONG_DESTINATION -> WRONG_DESTINATION;
      case UPSTREAM_REFUSED -> UPSTREAM_REFUSED;
      case UPSTREAM_UNREACHABLE -> UPSTREAM_UNREACHABLE;
      case CONNECT_TIMEOUT -> UPSTREAM_TIMEOUT;
      case CONNECTION_LIMIT, SOURCE_LIMIT, NODE_CONNECTION_LIMIT -> CONNECTION_LIMIT;
      case DRAINING -> DRAINING;
      default -> INTERNAL_ERROR; // peers have no word for the others
    };
  }

  /** What it means for the connection that is answered so. */
  Reason reason() {
    return switch (this) {
      case DENIED -> Reason.REFUSED_BY_PEER;
      case WRONG_DESTINATION -> Reason.WRONG_DESTINATION;
      case UPSTREAM_REFUSED -> Reason.UPSTREAM_REFUSED;
      case UPSTREAM_UNREACHABLE, DRAINING -> Reason.UPSTREAM_UNREACHABLE;
      case UPSTREAM_TIMEOUT -> Reason.CONNECT_TIMEOUT;
      case CONNECTION_LIMIT -> Reason.CONNECTION_LIMIT;
      case MALFORMED, METHOD_NOT_ALLOWED, HEADERS_TOO_MANY, INTERNAL_ERROR, UNKNOWN ->
          Reason.PEER_FAILED;
    };
  }

  /** What an answer of a peer, possibly another implementation, means. */
  static HboneStatus of(int code, Optional<CharSequence> proxyStatus) {
    HboneStatus byCode = UNKNOWN;
    for (HboneStatus status : values()) {
      if (status.code == code && status != UNKNOWN) {
        if (proxyStatus.isPresent() && proxyStatus.get().toString().endsWith("=" + status.error)) {
          return status;
        }
        byCode = byCode == UNKNOWN ? status : byCode;
      }
    }
    return switch (code) {
      case 401 -> DENIED; // ztunnel's word for it
      case 503 -> UPSTREAM_UNREACHABLE;
      default -> byCode;
    };
  }
}
