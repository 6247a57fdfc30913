package io.sluice.node.tracing;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.sluice.api.opentelemetry.ExportTraceServiceRequest;
import io.sluice.api.opentelemetry.ResourceSpans;
import io.sluice.api.opentelemetry.ScopeSpans;
import io.sluice.api.opentelemetry.Status;
import io.sluice.mesh.IpAddresses;
import io.sluice.node.export.Otlp;
import io.sluice.proxy.TraceSpan;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Spans as collectors take them. */
final class Batches {
  private static final HexFormat HEX = HexFormat.of();

  private Batches() {}

  /** Zipkin's JSON, version 2. */
  static byte[] zipkin(List<Span> spans) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartArray();
      for (Span span : spans) {
        write(json, span);
      }
      json.writeEndArray();
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator json, Span span) throws IOException {
    json.writeStartObject();
    String high = span.trace().traceHigh() == 0 ? "" : HEX.toHexDigits(span.trace().traceHigh());
    json.writeStringField("traceId", high + HEX.toHexDigits(span.trace().traceLow()));
    json.writeStringField("id", HEX.toHexDigits(span.trace().id()));
    if (span.trace().parent() != 0) {
      json.writeStringField("parentId", HEX.toHexDigits(span.trace().parent()));
    }
    json.writeStringField("kind", span.isClient() ? "CLIENT" : "SERVER");
    json.writeStringField("name", span.name());
    json.writeNumberField("timestamp", ChronoUnit.MICROS.between(Instant.EPOCH, span.start()));
    json.writeNumberField("duration", Math.max(1, span.request().duration().toNanos() / 1_000));
    writeEndpoint(json, "localEndpoint", span.service(), null);
    writeEndpoint(json, "remoteEndpoint", span.peerOrNull(), span.peer());
    json.writeObjectFieldStart("tags");
    Tags tags = new Tags(json);
    span.tell(tags);
    if (tags.failure != null) {
      throw tags.failure;
    }
    String failure = span.failure();
    if (failure != null) {
      json.writeStringField("error", failure);
    }
    json.writeEndObject();
    json.writeEndObject();
  }

  /** Zipkin's attributes, which are texts alone. */
  private static final class Tags implements Span.Attributes {
    private final JsonGenerator json;
    private @Nullable IOException failure; // the first one

    Tags(JsonGenerator json) {
      this.json = json;
    }

    @Override
    public void text(String name, String value) {
      try {
        json.writeStringField(name, value);
      } catch (IOException e) {
        failure = failure == null ? e : failure;
      }
    }

    @Override
    public void number(String name, long value) {
      text(name, Long.toString(value));
    }
  }

  private static void writeEndpoint(
      JsonGenerator json, String name, @Nullable String service, @Nullable InetSocketAddress at)
      throws IOException {
    json.writeObjectFieldStart(name);
    if (service != null) {
      json.writeStringField("serviceName", service);
    }
    if (at != null) {
      json.writeStringField(
          at.getAddress() instanceof Inet4Address ? "ipv4" : "ipv6",
          IpAddresses.text(at.getAddress()));
      json.writeNumberField("port", at.getPort());
    }
    json.writeEndObject();
  }

  /** OTLP's protobuf. */
  static byte[] otlp(List<Span> spans) {
    Map<String, ScopeSpans.Builder> services = new LinkedHashMap<>();
    for (Span span : spans) {
      services
          .computeIfAbsent(span.service(), _ -> ScopeSpans.newBuilder().setScope(Otlp.SCOPE))
          .addSpans(message(span));
    }
    ExportTraceServiceRequest.Builder all = ExportTraceServiceRequest.newBuilder();
    services.forEach((service, some) ->
        all.addResourceSpans(
            ResourceSpans.newBuilder().setResource(Otlp.resource(service)).addScopeSpans(some)));
    return all.build().toByteArray();
  }

  /** OTLP's attributes. */
  private record Told(io.sluice.api.opentelemetry.Span.Builder message) implements Span.Attributes {
    @Override
    public void text(String name, String value) {
      message.addAttributes(Otlp.attribute(name, Otlp.text(value)));
    }

    @Override
    public void number(String name, long value) {
      message.addAttributes(Otlp.attribute(name, Otlp.number(value)));
    }
  }

  private static io.sluice.api.opentelemetry.Span message(Span span) {
    io.sluice.api.opentelemetry.Span.Builder message =
        io.sluice.api.opentelemetry.Span.newBuilder()
            .setTraceId(Otlp.octets(span.trace().traceHigh(), span.trace().traceLow()))
            .setSpanId(Otlp.octets(span.trace().id()))
            .setFlags(span.trace().flags() & TraceSpan.W3C_FLAGS)
            .setName(span.name())
            .setKind(
                span.isClient()
                    ? io.sluice.api.opentelemetry.Span.Kind.CLIENT
                    : io.sluice.api.opentelemetry.Span.Kind.SERVER)
            .setStartTimeUnixNano(Otlp.nanos(span.start()))
            .setEndTimeUnixNano(Otlp.nanos(span.end()));
    if (span.trace().parent() != 0) {
      message.setParentSpanId(Otlp.octets(span.trace().parent()));
    }
    span.tell(new Told(message));
    InetSocketAddress peer = span.peer();
    if (peer != null) {
      message
          .addAttributes(
              Otlp.attribute(
                  "network.peer.address", Otlp.text(IpAddresses.text(peer.getAddress()))))
          .addAttributes(Otlp.attribute("network.peer.port", Otlp.number(peer.getPort())));
    }
    String failure = span.failure();
    if (failure != null) {
      message.setStatus(Status.newBuilder().setCode(Status.Code.ERROR).setMessage(failure));
    }
    return message.build();
  }
}
