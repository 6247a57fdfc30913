package io.sluice.node.events;

import io.sluice.api.opentelemetry.AnyValue;
import io.sluice.api.opentelemetry.LogRecord;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.LogFormat;
import io.sluice.node.export.Otlp;
import io.sluice.node.export.OtlpWriter;
import io.sluice.proxy.TraceSpan;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A line of the access log as collectors take it by OTLP. */
final class OtlpLine {
  private OtlpLine() {}

  /** Writes it as {@link Otlp#request} wants it, with what a Telemetry has beside it. */
  static void write(
      Ended ended,
      @Nullable LogFormat formatOrNull,
      Collector collector,
      AccessLines lines,
      OtlpWriter to) {
    int message = to.begin().open(Otlp.LINE);
    int body = to.open(LogRecord.BODY_FIELD_NUMBER);
    JsonLine line = lines.write(ended, formatOrNull);
    to.text(AnyValue.STRING_VALUE_FIELD_NUMBER, line.octets(), line.textLength());
    to.close(body);
    for (Map.Entry<String, LogFormat> each : collector.attributes().entrySet()) {
      JsonLine value = lines.attribute(each.getValue(), ended);
      to.attribute(
          LogRecord.ATTRIBUTES_FIELD_NUMBER, each.getKey(), value.octets(), value.textLength());
    }
    switch (ended) {
      case Ended.OfConnection(Instant end, var connection) ->
          writeTimes(to, end, connection.duration());
      case Ended.OfRequest(Instant end, var request) -> {
        writeTimes(to, end, request.duration());
        TraceSpan trace = request.traceOrNull();
        if (trace != null) {
          to.fixed32(LogRecord.FLAGS_FIELD_NUMBER, trace.flags() & TraceSpan.W3C_FLAGS);
          to.id(LogRecord.TRACE_ID_FIELD_NUMBER, trace.traceHigh(), trace.traceLow());
          to.id(LogRecord.SPAN_ID_FIELD_NUMBER, trace.id());
        }
      }
    }
    to.close(message);
  }

  private static void writeTimes(OtlpWriter to, Instant end, Duration duration) {
    to.time(LogRecord.TIME_UNIX_NANO_FIELD_NUMBER, end.minus(duration));
    to.time(LogRecord.OBSERVED_TIME_UNIX_NANO_FIELD_NUMBER, end);
  }
}
