package io.sluice.node.export;

import io.sluice.api.opentelemetry.ExportTraceServiceRequest;
import io.sluice.api.opentelemetry.InstrumentationScope;
import io.sluice.api.opentelemetry.Resource;
import io.sluice.api.opentelemetry.ResourceSpans;
import io.sluice.api.opentelemetry.ScopeLogs;
import io.sluice.api.opentelemetry.ScopeSpans;
import java.util.ArrayList;
import java.util.List;

/** The messages of OTLP around spans or lines, which have other names and the same numbers. */
public final class Otlp {
  /** Of its content over HTTP. */
  public static final String CONTENT_TYPE = "application/x-protobuf";

  /** As which a span is written, alone with its head. */
  public static final int SPAN = ScopeSpans.SPANS_FIELD_NUMBER;

  /** The same of a line. */
  public static final int LINE = ScopeLogs.LOG_RECORDS_FIELD_NUMBER;

  private static final byte[] SCOPE = scope();

  private Otlp() {}

  /**
   * All of one service.
   *
   * @param resource the field that says whose they are
   * @param ofScope octets of the scope and of them
   */
  private record Part(String service, byte[] resource, int ofScope) {
    int ofResource() {
      return resource.length + withHead(ofScope);
    }
  }

  /**
   * All of a batch, by the services whose they are. Nothing but the result is made of its size: of
   * arrays that grow, each as large as a part of the young generation, it would be full at once.
   */
  public static byte[] request(Batch batch) {
    List<Part> parts = new ArrayList<>();
    int size = 0;
    for (String service : batch.sources()) {
      Part part = new Part(service, resource(service), SCOPE.length + batch.octetsOf(service));
      parts.add(part);
      size += withHead(part.ofResource());
    }
    byte[] all = new byte[size];
    int at = 0;
    for (Part part : parts) {
      at = head(all, at, ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER, part.ofResource());
      at = copy(part.resource(), all, at);
      at = head(all, at, ResourceSpans.SCOPE_SPANS_FIELD_NUMBER, part.ofScope());
      at = copy(SCOPE, all, at);
      batch.copyOf(part.service(), all, at);
      at += part.ofScope() - SCOPE.length;
    }
    return all;
  }

  private static byte[] resource(String service) {
    OtlpWriter field = new OtlpWriter();
    int resource = field.open(ResourceSpans.RESOURCE_FIELD_NUMBER);
    field.attribute(Resource.ATTRIBUTES_FIELD_NUMBER, "service.name", service);
    field.close(resource);
    return field.copy();
  }

  private static byte[] scope() {
    OtlpWriter field = new OtlpWriter();
    int scope = field.open(ScopeSpans.SCOPE_FIELD_NUMBER);
    field.text(InstrumentationScope.NAME_FIELD_NUMBER, "sluice");
    field.close(scope);
    return field.copy();
  }

  private static int withHead(int count) {
    return 1 + OtlpWriter.varintSize(count) + count;
  }

  /** Writes tag and length; returns where the content stands. */
  private static int head(byte[] to, int at, int field, int count) {
    int end = at;
    to[end++] = (byte) (field << 3 | OtlpWriter.OCTETS);
    return OtlpWriter.varint(to, end, count);
  }

  private static int copy(byte[] from, byte[] to, int at) {
    System.arraycopy(from, 0, to, at, from.length);
    return at + from.length;
  }
}
