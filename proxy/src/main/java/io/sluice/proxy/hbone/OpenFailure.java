package io.sluice.proxy.hbone;

import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.socket.ConnectFailures;
import org.jspecify.annotations.Nullable;

/**
 * Why a stream did not come about.
 *
 * @param kind at which step
 * @param statusOrNull present for {@link Kind#REFUSED}
 * @param causeOrNull what was thrown, for the log
 */
public record OpenFailure(
    Kind kind, @Nullable HboneStatus statusOrNull, @Nullable Throwable causeOrNull) {

  /** The step that failed. */
  public enum Kind {
    /** No socket could be made. */
    NO_SOCKET,
    /** The peer's node refused the TCP connection or cannot be reached. */
    UNREACHABLE,
    /** No connection was ready in time. */
    CONNECT_TIMEOUT,
    /** The handshake failed. */
    TLS,
    /** The peer answered with an error. */
    REFUSED,
    /** The peer did not answer the request in time. */
    ANSWER_TIMEOUT,
    /** The connection broke, or the peer reset the stream, before an answer. */
    CONNECTION_LOST,
    /** As many connections and waiting streams as there may be. */
    LIMIT,
    /** The pool is being closed. */
    CLOSED
  }

  /** What it means for the connection that wanted the stream. */
  public Reason reason() {
    return switch (kind) {
      case NO_SOCKET -> Reason.INTERNAL_ERROR;
      case UNREACHABLE -> {
        Reason reason =
            causeOrNull == null ? Reason.UPSTREAM_UNREACHABLE : ConnectFailures.reason(causeOrNull);
        yield reason == Reason.UPSTREAM_REFUSED ? Reason.POD_CLOSED : reason; // no application has
      }
      case CONNECT_TIMEOUT, ANSWER_TIMEOUT -> Reason.CONNECT_TIMEOUT;
      case TLS -> Reason.TLS_FAILED;
      case REFUSED -> statusOrNull == null ? Reason.PEER_FAILED : statusOrNull.reason();
      case CONNECTION_LOST -> Reason.UPSTREAM_UNREACHABLE;
      case LIMIT -> Reason.CONNECTION_LIMIT;
      case CLOSED -> Reason.DRAINING;
    };
  }

  static OpenFailure of(Kind kind) {
    return new OpenFailure(kind, null, null);
  }

  static OpenFailure of(Kind kind, @Nullable Throwable cause) {
    return new OpenFailure(kind, null, cause);
  }

  static OpenFailure refused(HboneStatus status) {
    return new OpenFailure(Kind.REFUSED, status, null);
  }
}
