package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What the access log of a daemon tells of one request.
 *
 * @param started when its head was there
 * @param direction {@code outbound} on the client's side, {@code inbound} on the server's
 * @param source workload that called; empty where only a certificate says who, or nothing does
 * @param sourcePrincipal SPIFFE ID of who called; empty where that is not proven
 * @param server workload that was called on the server's side; on the client's the service; empty
 *     where that is none
 * @param status of the response; 0 where there was none
 * @param millis from its head to its end
 * @param firstByteMillis from its head to that of the answer; -1 where there was none of an
 *     upstream
 * @param upstreamMillis of these what the upstream took
 * @param lacking fields of Open Service Mesh that the line has not
 * @param flags why the response is not the upstream's, in Envoy's words; else {@code -}
 * @param rule what admitted, refused or answered it; empty where no object did
 * @param route what led it on; empty where no route did
 */
public record RequestLine(
    Instant started,
    String direction,
    String source,
    String sourcePrincipal,
    String server,
    String method,
    String authority,
    String path,
    int status,
    long millis,
    long firstByteMillis,
    long upstreamMillis,
    List<String> lacking,
    String flags,
    String verdict,
    String reason,
    String rule,
    String route) {

  private static final List<String> OSM =
      List.of(
          "start_time",
          "method",
          "path",
          "protocol",
          "response_code",
          "response_code_details",
          "time_to_first_byte",
          "upstream_cluster",
          "response_flags",
          "bytes_received",
          "bytes_sent",
          "duration",
          "upstream_service_time",
          "x_forwarded_for",
          "user_agent",
          "request_id",
          "requested_server_name",
          "authority",
          "upstream_host");

  /** Of a line of the log; nothing where it is of a connection. */
  static Optional<RequestLine> of(JsonNode line) {
    if (!line.has("method")) {
      return Optional.empty();
    }
    String direction = line.path("direction").asText();
    return Optional.of(
        new RequestLine(
            Instant.parse(line.path("start_time").asText()),
            direction,
            line.path("source_workload").asText(),
            line.path("source_principal").asText(),
            line.path(direction.equals("inbound") ? "pod" : "service").asText(),
            line.path("method").asText(),
            line.path("authority").asText(),
            line.path("path").asText(),
            line.path("response_code").asInt(),
            line.path("duration").asLong(),
            line.path("time_to_first_byte").asLong(-1),
            line.path("upstream_service_time").asLong(-1),
            OSM.stream().filter(field -> !line.has(field)).toList(),
            line.path("response_flags").asText(),
            line.path("verdict").asText(),
            line.path("reason").asText(),
            line.path("rule").asText(),
            line.path("route").asText()));
  }
}
