package io.sluice.node.tracing;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** A span as Zipkin takes it. */
final class ZipkinSpan {
  private static final HexFormat HEX = HexFormat.of();
  private static final JsonFactory JSON = new JsonFactory();

  private ZipkinSpan() {}

  /** An object of its JSON, version 2. */
  static byte[] of(Span span, MeshSnapshot snapshot) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      write(json, span, snapshot);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // no world behind it: what JSON cannot say
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator json, Span span, MeshSnapshot snapshot)
      throws IOException {
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
    writeEndpoint(json, "localEndpoint", Span.service(snapshot, span.request().info().pod()), null);
    writeEndpoint(json, "remoteEndpoint", span.peerService(snapshot), span.peer());
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
}
