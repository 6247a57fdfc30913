package io.sluice.node.export;

import io.sluice.api.opentelemetry.ExportTraceServiceRequest;
import io.sluice.api.opentelemetry.InstrumentationScope;
import io.sluice.api.opentelemetry.Resource;
import io.sluice.api.opentelemetry.ResourceSpans;
import io.sluice.api.opentelemetry.ScopeLogs;
import io.sluice.api.opentelemetry.ScopeSpans;
import java.util.Arrays;

/** The messages of OTLP around spans or lines, which have other names and the same numbers. */
public final class Otlp {
  /** Of its content over HTTP. */
  public static final String CONTENT_TYPE = "application/x-protobuf";

  /** As which a span is written, alone with its head. */
  public static final int SPAN = ScopeSpans.SPANS_FIELD_NUMBER;

  /** The same of a line. */
  public static final int LINE = ScopeLogs.LOG_RECORDS_FIELD_NUMBER;

  private Otlp() {}

  /** All of a batch, by the services whose they are. */
  public static byte[] request(Batch batch) {
    OtlpWriter all = new OtlpWriter();
    for (String service : batch.sources()) {
      int ofResource = all.open(ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER);
      int resource = all.open(ResourceSpans.RESOURCE_FIELD_NUMBER);
      all.attribute(Resource.ATTRIBUTES_FIELD_NUMBER, "service.name", service);
      all.close(resource);
      int ofScope = all.open(ResourceSpans.SCOPE_SPANS_FIELD_NUMBER);
      int scope = all.open(ScopeSpans.SCOPE_FIELD_NUMBER);
      all.text(InstrumentationScope.NAME_FIELD_NUMBER, "sluice");
      all.close(scope);
      all.again(batch, service);
      all.close(ofScope);
      all.close(ofResource);
    }
    return Arrays.copyOf(all.octets(), all.length());
  }
}
