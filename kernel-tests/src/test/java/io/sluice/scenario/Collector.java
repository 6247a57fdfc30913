package io.sluice.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Status;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.TrustDomain;
import io.sluice.proxy.tls.Pems;
import io.sluice.proxy.tls.TestAuthority;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;

/**
 * A collector of spans in a pod, at one port: by Zipkin's JSON, and by OTLP with OpenTelemetry's
 * own messages, and not by those of the mesh. What is sent anywhere else is kept waiting for ever.
 * At other ports it takes logs by OTLP over gRPC, or nothing at all.
 */
final class Collector implements AutoCloseable {
  static final int PORT = 9411;

  /** Of logs. */
  static final int LOGS_PORT = 4317;

  /** Where connections are opened and nobody says anything. */
  static final int SILENT_PORT = 4316;

  /** What has this path hangs. */
  static final String SILENT = "/silent";

  /** What lines of all pods come with, and where to. */
  static final String SECRET = "Basic bm9kZTpzZWNyZXQ=";

  static final String INGEST = "/ingest";

  /** By TLS alone. */
  static final int INGEST_PORT = 9443;

  private static final TestAuthority AUTHORITY = new TestAuthority(TrustDomain.CLUSTER_LOCAL);

  /**
   * As it was told.
   *
   * @param parent empty where the trace begins with it
   * @param kind {@code CLIENT} or {@code SERVER}
   */
  record Told(
      String trace,
      String id,
      String parent,
      String kind,
      String service,
      String path,
      long status,
      boolean failed) {}

  /** A line of the access log, as it was sent. */
  record Line(String service, String body, Map<String, String> attributes) {}

  private static final HexFormat HEX = HexFormat.of();

  private final List<Told> told = new CopyOnWriteArrayList<>();
  private final List<Line> lines = new CopyOnWriteArrayList<>();
  private final List<JsonNode> ingested = new CopyOnWriteArrayList<>();
  private final HttpServer server;
  private final HttpsServer ingesting;
  private final GrpcInPod logs;
  private final ServerSocket silent;

  /** Listens at once. */
  Collector(SitePod pod) {
    server = pod.call(() -> HttpServer.create(new InetSocketAddress(PORT), 0));
    server.createContext("/api/v2/spans", exchange -> answer(exchange, this::zipkin));
    server.createContext("/v1/traces", exchange -> answer(exchange, this::otlp));
    server.createContext(SILENT, _ -> {});
    server.start();
    ingesting = pod.call(() -> HttpsServer.create(new InetSocketAddress(INGEST_PORT), 0));
    ingesting.setHttpsConfigurator(new HttpsConfigurator(context(pod)));
    ingesting.createContext(INGEST, exchange -> answer(exchange, this::ingest));
    ingesting.start();
    silent = pod.call(() -> new ServerSocket(SILENT_PORT));
    logs = new GrpcInPod(pod, LOGS_PORT, new Logs());
    logs.start();
  }

  private static SSLContext context(SitePod pod) {
    String address = IpAddresses.text(pod.address(Family.IPV6));
    try {
      return AUTHORITY.present(TestAuthority.Leaf.ofServer(TestAuthority.IP + address)).context();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * PEM of whom the certificate of {@link #INGEST_PORT} leads to, by which alone it is believed.
   */
  static String authority() {
    return Pems.of(AUTHORITY.root).replace("\r", "");
  }

  private final class Logs extends LogsServiceGrpc.LogsServiceImplBase {
    @Override
    public void export(
        ExportLogsServiceRequest request, StreamObserver<ExportLogsServiceResponse> answer) {
      for (ResourceLogs resource : request.getResourceLogsList()) {
        String service =
            attribute(resource.getResource().getAttributesList(), "service.name").getStringValue();
        resource
            .getScopeLogsList()
            .forEach(scope ->
                scope
                    .getLogRecordsList()
                    .forEach(record ->
                        lines.add(
                            new Line(
                                service,
                                record.getBody().getStringValue(),
                                record.getAttributesList().stream()
                                    .collect(
                                        Collectors.toMap(
                                            KeyValue::getKey,
                                            one -> one.getValue().getStringValue()))))));
      }
      answer.onNext(ExportLogsServiceResponse.getDefaultInstance());
      answer.onCompleted();
    }
  }

  @FunctionalInterface
  private interface Reader {
    void read(HttpExchange exchange) throws IOException;
  }

  private static void answer(HttpExchange exchange, Reader reader) throws IOException {
    try (exchange) {
      reader.read(exchange);
      exchange.sendResponseHeaders(202, -1);
    }
  }

  /** All spans so far. */
  List<Told> told() {
    return told;
  }

  /** All lines so far. */
  List<Line> lines() {
    return lines;
  }

  /** All lines of all pods so far. */
  List<JsonNode> ingested() {
    return ingested;
  }

  private void ingest(HttpExchange exchange) throws IOException {
    if (SECRET.equals(exchange.getRequestHeaders().getFirst("authorization"))) {
      new ObjectMapper().readTree(exchange.getRequestBody()).forEach(ingested::add);
    }
  }

  private void zipkin(HttpExchange exchange) throws IOException {
    for (JsonNode span : new ObjectMapper().readTree(exchange.getRequestBody())) {
      JsonNode tags = span.path("tags");
      told.add(
          new Told(
              span.path("traceId").asText(),
              span.path("id").asText(),
              span.path("parentId").asText(),
              span.path("kind").asText(),
              span.at("/localEndpoint/serviceName").asText(),
              tags.path("url.path").asText(),
              tags.path("http.response.status_code").asLong(),
              tags.has("error")));
    }
  }

  private void otlp(HttpExchange exchange) throws IOException {
    var request = ExportTraceServiceRequest.parseFrom(exchange.getRequestBody());
    for (ResourceSpans resource : request.getResourceSpansList()) {
      String service =
          attribute(resource.getResource().getAttributesList(), "service.name").getStringValue();
      for (ScopeSpans scope : resource.getScopeSpansList()) {
        scope
            .getSpansList()
            .forEach(span ->
                told.add(
                    new Told(
                        HEX.formatHex(span.getTraceId().toByteArray()),
                        HEX.formatHex(span.getSpanId().toByteArray()),
                        HEX.formatHex(span.getParentSpanId().toByteArray()),
                        span.getKind().name().replace("SPAN_KIND_", ""),
                        service,
                        attribute(span.getAttributesList(), "url.path").getStringValue(),
                        attribute(span.getAttributesList(), "http.response.status_code")
                            .getIntValue(),
                        span.getStatus().getCode() == Status.StatusCode.STATUS_CODE_ERROR)));
      }
    }
  }

  private static io.opentelemetry.proto.common.v1.AnyValue attribute(
      List<KeyValue> attributes, String name) {
    return attributes.stream()
        .filter(each -> each.getKey().equals(name))
        .findFirst()
        .orElseThrow()
        .getValue();
  }

  @Override
  public void close() {
    server.stop(0);
    ingesting.stop(0);
    logs.close();
    try {
      silent.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
