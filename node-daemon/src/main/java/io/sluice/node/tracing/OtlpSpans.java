package io.sluice.node.tracing;

import static io.sluice.api.opentelemetry.Span.ATTRIBUTES_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.END_TIME_UNIX_NANO_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.FLAGS_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.KIND_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.NAME_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.PARENT_SPAN_ID_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.SPAN_ID_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.START_TIME_UNIX_NANO_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.STATUS_FIELD_NUMBER;
import static io.sluice.api.opentelemetry.Span.TRACE_ID_FIELD_NUMBER;

import io.sluice.api.opentelemetry.Span.Kind;
import io.sluice.api.opentelemetry.Status;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.export.Otlp;
import io.sluice.node.export.OtlpWriter;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes spans as OTLP has them. One thread. */
final class OtlpSpans {
  /** Connections of which something is kept for the next request; a power of two. */
  private static final int MOST_KNOWN = 64;

  private final OtlpWriter out = new OtlpWriter();
  private final Attributes attributes = new Attributes(out);
  private final @Nullable Known[] known = new @Nullable Known[MOST_KNOWN];
  private @Nullable MeshSnapshot snapshot; // of all that is known
  private String service = "";

  /** What all requests of a connection say alike, and what most of them do. */
  private static final class Known {
    final ConnectionInfo info;
    final String service;
    final byte[] ends;
    @Nullable RequestRecord last;
    byte[] client = {}; // of the last one

    Known(ConnectionInfo info, String service, byte[] ends) {
      this.info = info;
      this.service = service;
      this.ends = ends;
    }
  }

  private record Attributes(OtlpWriter to) implements Span.Attributes {
    @Override
    public void text(String name, String value) {
      to.attribute(ATTRIBUTES_FIELD_NUMBER, name, value);
    }

    @Override
    public void number(String name, long value) {
      to.attribute(ATTRIBUTES_FIELD_NUMBER, name, value);
    }
  }

  /** Writes one, as {@link Otlp#request} wants it. */
  OtlpWriter write(Span span, MeshSnapshot now) {
    Known connection = connection(span, now);
    service = connection.service;
    TraceSpan trace = span.trace();
    int message = out.begin().open(Otlp.SPAN);
    out.id(TRACE_ID_FIELD_NUMBER, trace.traceHigh(), trace.traceLow());
    out.id(SPAN_ID_FIELD_NUMBER, trace.id());
    if (trace.parent() != 0) {
      out.id(PARENT_SPAN_ID_FIELD_NUMBER, trace.parent());
    }
    out.text(NAME_FIELD_NUMBER, span.name());
    out.number(KIND_FIELD_NUMBER, span.isClient() ? Kind.CLIENT_VALUE : Kind.SERVER_VALUE);
    out.time(START_TIME_UNIX_NANO_FIELD_NUMBER, span.start());
    out.time(END_TIME_UNIX_NANO_FIELD_NUMBER, span.end());
    span.tellRequest(attributes);
    writeClient(span, connection);
    out.again(connection.ends);
    String failure = span.failure();
    if (failure != null) {
      int status = out.open(STATUS_FIELD_NUMBER);
      out.text(Status.MESSAGE_FIELD_NUMBER, failure);
      out.number(Status.CODE_FIELD_NUMBER, Status.Code.ERROR_VALUE);
      out.close(status);
    }
    out.fixed32(FLAGS_FIELD_NUMBER, trace.flags() & TraceSpan.W3C_FLAGS);
    out.close(message);
    return out;
  }

  /** Whose the last one was. */
  String service() {
    return service;
  }

  private Known connection(Span span, MeshSnapshot now) {
    if (now != snapshot) {
      Arrays.fill(known, null);
      snapshot = now;
    }
    ConnectionInfo info = span.request().info();
    int slot = (int) info.id() & MOST_KNOWN - 1;
    Known connection = known[slot];
    if (connection == null || connection.info != info) {
      out.begin();
      span.tellEnds(attributes);
      InetSocketAddress peer = span.peer();
      if (peer != null) {
        attributes.text("network.peer.address", IpAddresses.text(peer.getAddress()));
        attributes.number("network.peer.port", peer.getPort());
      }
      connection = new Known(info, Span.service(now, info.pod()), out.copy());
      known[slot] = connection;
    }
    return connection;
  }

  private void writeClient(Span span, Known connection) {
    RequestRecord last = connection.last;
    RequestRecord request = span.request();
    if (last != null
        && request.version().equals(last.version())
        && request.authority().equals(last.authority())
        && Objects.equals(request.userAgentOrNull(), last.userAgentOrNull())) {
      out.again(connection.client);
      return;
    }
    int mark = out.length();
    span.tellClient(attributes);
    connection.client = Arrays.copyOfRange(out.octets(), mark, out.length());
    connection.last = request;
  }
}
