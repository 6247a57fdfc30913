package io.sluice.node.events;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.LogFormat.Literal;
import io.sluice.mesh.LogFormat.Operator;
import io.sluice.mesh.LogFormat.Piece;
import io.sluice.mesh.LogFormat.Value;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a Telemetry wants to be told of a connection or request. Of texts all but ASCII is escaped,
 * quotes and ends of lines too: who says a path, or who asks, begins no line of its own, and no
 * field where the format has quotes around it; where spaces or commas part fields, it does. What is
 * not known is {@code -}, or null where it is a value of JSON. One thread.
 */
final class FormattedLine {
  /**
   * Octets of a line beyond which the rest of its texts is left out, but for those of its format.
   */
  static final int MOST_OCTETS = 16 * 1_024;

  /** The same of an attribute. */
  static final int MOST_OCTETS_OF_ATTRIBUTE = 1_024;

  private static final String UNKNOWN = "-";

  private final JsonLine out = new JsonLine();

  /**
   * Writes the line, with its end; good until the next one.
   *
   * @param mostOctets beyond which the rest of its texts is left out
   */
  JsonLine write(LogFormat format, Ended ended, int mostOctets) {
    out.begin();
    for (Piece piece : format.pieces()) {
      switch (piece) {
        case Literal(String text) -> out.plain(text);
        case Value(Operator operator, int most, boolean isJson) ->
            write(
                switch (ended) {
                  case Ended.OfConnection(Instant time, AccessRecord record) ->
                      value(operator, time, record);
                  case Ended.OfRequest(Instant time, RequestRecord record) ->
                      value(operator, time, record);
                },
                most,
                isJson,
                mostOctets);
      }
    }
    return out.endOfText();
  }

  /**
   * Writes one.
   *
   * @param value a text or a number
   */
  private void write(@Nullable Object value, int most, boolean isJson, int mostOctets) {
    if (value == null) {
      out.plain(isJson ? "null" : UNKNOWN);
    } else if (value instanceof Long number) {
      out.decimal(number);
    } else {
      String text = value.toString();
      if (most > 0 && text.length() > most) {
        text = text.substring(0, most);
      }
      text = AccessLines.cut(text, Math.max(0, mostOctets - out.length()) / JsonLine.WIDEST);
      if (isJson) {
        out.quote(text);
      } else {
        out.escaped(text);
      }
    }
  }

  private static @Nullable Object value(Operator operator, Instant end, AccessRecord record) {
    return switch (operator) {
      case START_TIME -> end.minus(record.duration());
      case DURATION -> record.duration().toMillis();
      case BYTES_RECEIVED -> record.bytesSent(); // the client's words turned into the proxy's
      case BYTES_SENT -> record.bytesReceived();
      case RESPONSE_CODE -> 0L;
      case RESPONSE_CODE_DETAILS -> record.closeReason().label();
      default -> value(operator, record.info());
    };
  }

  private static @Nullable Object value(Operator operator, Instant end, RequestRecord record) {
    return switch (operator) {
      case START_TIME -> end.minus(record.duration());
      case DURATION -> record.duration().toMillis();
      case BYTES_RECEIVED -> record.requestBytes();
      case BYTES_SENT -> record.responseBytes();
      case RESPONSE_CODE -> (long) record.status();
      case RESPONSE_CODE_DETAILS -> record.end().label();
      case RESPONSE_FLAGS -> record.end().flag();
      case RESPONSE_DURATION -> millis(record.firstByteNanos());
      case UPSTREAM_SERVICE_TIME -> millis(record.upstreamNanos());
      case METHOD -> record.method();
      case PATH -> record.path();
      case AUTHORITY -> record.authority();
      case USER_AGENT -> record.userAgentOrNull();
      case REQUEST_ID -> record.requestIdOrNull();
      case FORWARDED_FOR -> record.forwardedForOrNull();
      case PROTOCOL -> record.version();
      case GRPC_STATUS -> record.grpcStatusOrNull();
      default -> value(operator, record.info());
    };
  }

  /** What a record does not say itself; null is what it has not, as a connection has no method. */
  private static @Nullable Object value(Operator operator, ConnectionInfo info) {
    NamespacedName service = info.serviceOrNull();
    InetSocketAddress upstream = info.upstreamOrNull();
    return switch (operator) {
      case UPSTREAM_HOST -> AccessLines.text(upstream);
      case UPSTREAM_CLUSTER -> AccessLines.cluster(service, upstream);
      case REQUESTED_SERVER_NAME -> AccessLines.serverName(info);
      case ROUTE_NAME -> AccessLines.route(info);
      case HOSTNAME -> info.pod().name();
      case CLIENT -> AccessLines.text(info.client());
      case CLIENT_ADDRESS -> IpAddresses.text(info.client().getAddress());
      case ORIGINAL_DESTINATION -> AccessLines.text(info.originalDestinationOrNull());
      case SOURCE_PRINCIPAL -> info.sourceIdentityOrNull();
      case DESTINATION_PRINCIPAL -> info.destinationIdentityOrNull();
      case START_TIME,
          DURATION,
          BYTES_RECEIVED,
          BYTES_SENT,
          RESPONSE_CODE,
          RESPONSE_CODE_DETAILS,
          METHOD,
          PATH,
          AUTHORITY,
          USER_AGENT,
          REQUEST_ID,
          FORWARDED_FOR,
          PROTOCOL,
          RESPONSE_FLAGS,
          RESPONSE_DURATION,
          UPSTREAM_SERVICE_TIME,
          GRPC_STATUS ->
          null;
    };
  }

  private static @Nullable Long millis(long nanos) {
    return nanos == RequestRecord.UNKNOWN ? null : TimeUnit.NANOSECONDS.toMillis(nanos);
  }
}
