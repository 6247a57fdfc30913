package io.sluice.node.events;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.sluice.mesh.IpAddresses;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import java.io.IOException;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The lines of the access log. One of a request has the fields of OSM's default format, by the same
 * names, as far as they are known; ours beside them are those of a connection's line. All but ASCII
 * is escaped: a stranger chooses paths and names, a terminal shows them.
 */
final class AccessLines {
  /** Characters of a path that are told. */
  static final int MAX_PATH = 512;

  /** Characters of any other text that a client or server chose. */
  static final int MAX_TEXT = 256;

  /** Characters of a method or status. */
  private static final int MAX_WORD = 32;

  private static final JsonFactory JSON =
      JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private AccessLines() {}

  /** What is known of a connection that ended then. */
  static String of(Instant time, AccessRecord record) throws IOException {
    ConnectionInfo info = record.info();
    StringWriter text = new StringWriter(512);
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("time", time.toString());
      writeEnds(json, info);
      writeIfKnown(json, "upstream", info.upstream().map(IpAddresses::text).orElse(null));
      writeIfKnown(json, "service", info.serviceOrNull());
      json.writeStringField("verdict", record.verdict().outcome().label());
      json.writeStringField("reason", record.verdict().reason().label());
      writeIfKnown(json, "rule", record.verdict().ruleOrNull());
      json.writeNumberField("bytes_sent", record.bytesSent());
      json.writeNumberField("bytes_received", record.bytesReceived());
      json.writeNumberField("duration_ms", record.duration().toMillis());
      json.writeStringField("close", record.closeKind().label());
      json.writeStringField("close_reason", record.closeReason().label());
      json.writeNumberField("revision", info.revision());
      json.writeEndObject();
    }
    return text.toString();
  }

  /** What is known of a request that ended then. */
  static String of(Instant time, RequestRecord record) throws IOException {
    ConnectionInfo info = record.info();
    StringWriter text = new StringWriter(1_024);
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("time", time.toString());
      json.writeStringField("start_time", time.minus(record.duration()).toString());
      writeEnds(json, info);
      writeIfKnown(json, "service", info.serviceOrNull());
      json.writeStringField("verdict", record.verdict().outcome().label());
      json.writeStringField("reason", record.verdict().reason().label());
      writeIfKnown(json, "rule", record.verdict().ruleOrNull());
      writeRequest(json, record);
      writeResponse(json, record);
      json.writeNumberField("revision", info.revision());
      json.writeEndObject();
    }
    return text.toString();
  }

  private static void writeEnds(JsonGenerator json, ConnectionInfo info) throws IOException {
    json.writeStringField("reporter", info.reporter().label());
    json.writeStringField("direction", info.direction().label());
    json.writeStringField("pod", info.pod().toString());
    writeIfKnown(json, "source_workload", info.sourceOrNull());
    writeIfKnown(json, "source_principal", info.sourceIdentityOrNull());
    writeIfKnown(json, "destination_principal", info.destinationIdentityOrNull());
    json.writeStringField("connection_security_policy", info.securityPolicy());
    json.writeStringField("client", IpAddresses.text(info.client()));
    writeIfKnown(
        json,
        "original_destination",
        info.originalDestination().map(IpAddresses::text).orElse(null));
  }

  private static void writeRequest(JsonGenerator json, RequestRecord record) throws IOException {
    json.writeStringField("method", record.method());
    json.writeStringField("path", record.path());
    json.writeStringField("protocol", record.version());
    json.writeStringField("authority", record.authority());
    writeIfKnown(json, "user_agent", record.userAgentOrNull());
    writeIfKnown(json, "request_id", record.requestIdOrNull());
    writeIfKnown(json, "x_forwarded_for", record.forwardedForOrNull());
    InetSocketAddress upstream = record.info().upstreamOrNull();
    if (upstream != null) {
      json.writeStringField("upstream_host", IpAddresses.text(upstream));
      writeIfKnown(
          json,
          "upstream_cluster",
          record.info().service().map(name -> name + "|" + upstream.getPort()).orElse(null));
    }
  }

  private static void writeResponse(JsonGenerator json, RequestRecord record) throws IOException {
    json.writeNumberField("response_code", record.status());
    json.writeStringField("response_code_details", details(record.end()));
    json.writeStringField("response_flags", record.end().flag());
    if (record.grpc()) {
      writeIfKnown(json, "grpc_status", record.grpcStatusOrNull());
    }
    json.writeNumberField("bytes_received", record.requestBytes());
    json.writeNumberField("bytes_sent", record.responseBytes());
    json.writeNumberField("duration", record.duration().toMillis());
  }

  /** Envoy's word where it has one that fits; else how the exchange ended. */
  private static String details(End end) {
    return end == End.WHOLE ? "via_upstream" : end.name().toLowerCase(Locale.ROOT);
  }

  private static void writeIfKnown(JsonGenerator json, String field, @Nullable Object value)
      throws IOException {
    if (value != null) {
      json.writeStringField(field, value.toString());
    }
  }

  /** The same with no more of each text than is told: itself, where none is longer. */
  static RequestRecord bounded(RequestRecord record) {
    if (fits(record.path(), MAX_PATH)
        && fits(record.method(), MAX_WORD)
        && fits(record.authority(), MAX_TEXT)
        && fits(record.userAgentOrNull(), MAX_TEXT)
        && fits(record.requestIdOrNull(), MAX_TEXT)
        && fits(record.forwardedForOrNull(), MAX_TEXT)
        && fits(record.grpcStatusOrNull(), MAX_WORD)) {
      return record;
    }
    return new RequestRecord(
        record.info(),
        record.verdict(),
        record.version(),
        record.grpc(),
        cut(record.method(), MAX_WORD),
        cut(record.authority(), MAX_TEXT),
        cut(record.path(), MAX_PATH),
        record.status(),
        cutIfKnown(record.grpcStatusOrNull(), MAX_WORD),
        record.end(),
        record.requestBytes(),
        record.responseBytes(),
        record.requestMessages(),
        record.responseMessages(),
        record.duration(),
        cutIfKnown(record.userAgentOrNull(), MAX_TEXT),
        cutIfKnown(record.requestIdOrNull(), MAX_TEXT),
        cutIfKnown(record.forwardedForOrNull(), MAX_TEXT),
        record.headers());
  }

  private static boolean fits(@Nullable String text, int most) {
    return text == null || text.length() <= most;
  }

  private static @Nullable String cutIfKnown(@Nullable String text, int most) {
    return text == null ? null : cut(text, most);
  }

  /** Ends in three dots where it is not whole. */
  private static String cut(String text, int most) {
    return text.length() <= most ? text : text.substring(0, most) + "...";
  }
}
