package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import io.sluice.api.opentelemetry.ExportLogsServiceRequest;
import io.sluice.api.opentelemetry.KeyValue;
import io.sluice.api.opentelemetry.LogRecord;
import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.AccessLogSetting;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.AccessLogSetting.Collector.Protocol;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.LogFormat.Literal;
import io.sluice.mesh.LogFormat.Operator;
import io.sluice.mesh.LogFormat.Piece;
import io.sluice.mesh.LogFormat.Value;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Reporting;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.node.Samples;
import io.sluice.node.export.Budget;
import io.sluice.node.export.Exporter;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AccessLogsTest {
  private static final RequestRecord CALL = Samples.request(Samples.outbound(1), 200);
  private static final LogFormat PATH =
      format(new Literal("told "), new Value(Operator.PATH, 0, false));

  private final List<String> written = new CopyOnWriteArrayList<>();
  private final AccessLog log =
      AccessLog.to(
          new AccessLog.Sink() {
            @Override
            public void write(byte[] octets, int from, int length) {
              written.add(new String(octets, from, length, StandardCharsets.UTF_8));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
          },
          16);
  private final Budget budget = new Budget();
  private final AccessLogs logs = new AccessLogs(log, budget);

  /** What collectors were sent, by service. */
  private final List<Map.Entry<String, LogRecord>> told = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    logs.close();
    log.close();
  }

  @Test
  void aFormatIsForThePodsThatItsTelemetrySelectsAsLongAsItIsThere() {
    logs.publish(snapshot(Map.of("app", "cart"), PATH, null));
    logs.write(CALL);
    logs.write(Samples.request(Samples.certified(2, Samples.identity(Samples.CART)), 200));
    logs.write(Samples.ended(Samples.outbound(3), CloseKind.FIN));
    logs.publish(Samples.snapshot(2, Samples.CART, Samples.CATALOGUE));
    logs.write(CALL);

    Await.until("all is written", () -> written.size() == 4);
    assertThat(written.get(0)).isEqualTo("told /items/7\n");
    assertThat(written.get(1)).startsWith("{\"time\":").contains("\"pod\":\"shop/catalogue-0\"");
    assertThat(written.get(2)).isEqualTo("told -\n");
    assertThat(written.get(3)).startsWith("{\"time\":").contains("\"pod\":\"shop/cart-0\"");
  }

  /** Else who has a namespace takes its lines out of the log, or writes such of other ones. */
  @Test
  void theNodesOwnLogHasNoFormatButOfTheMeshsOwnTelemetries() throws Exception {
    HttpServer collector = http(new CopyOnWriteArrayList<>());
    LogFormat forged = format(new Literal("{\"pod\":\"bank/teller-0\"}"));
    try {
      SnapshotEditor editor = Samples.snapshot(1, Samples.CART, Samples.CATALOGUE).edit();
      editor.put(
          setting(false, forged, to(collector.getAddress().getPort(), Protocol.HTTP), Map.of()));
      logs.publish(editor.snapshot(2));
      logs.write(CALL);
      editor = editor.snapshot(2).edit();
      editor.put(setting(true, PATH, null, Map.of("app", "cart")));
      logs.publish(editor.snapshot(3));
      logs.write(CALL);

      Await.until("both are written", () -> written.size() == 2);
      assertThat(written.get(0)).startsWith("{\"time\":").contains("\"pod\":\"shop/cart-0\"");
      assertThat(written.get(1)).isEqualTo("told /items/7\n");
      Await.until("both were sent", () -> told.size() == 2);
      assertThat(told)
          .extracting(each -> each.getValue().getBody().getStringValue())
          .containsOnly("{\"pod\":\"bank/teller-0\"}");
    } finally {
      collector.stop(0);
    }
  }

  /** Of each what the usual line says of it. */
  @Test
  void eachOperatorTellsWhatItsFieldDoes() throws IOException {
    List<Piece> pieces = new ArrayList<>();
    for (Operator operator : Operator.values()) {
      pieces.add(new Literal((pieces.isEmpty() ? "{\"" : ",\"") + operator + "\":"));
      pieces.add(new Value(operator, operator == Operator.USER_AGENT ? 3 : 0, true));
    }
    pieces.add(new Literal("}"));
    String hostile = "a\"\n\u2028é";
    RequestRecord call =
        Samples.grpc(Samples.certified(1, Samples.identity(Samples.CART)), hostile);

    logs.write(call);
    logs.write(Samples.ended(call.info(), CloseKind.FIN));
    logs.publish(snapshot(Map.of(), new LogFormat(pieces), null));
    logs.write(call);
    logs.write(Samples.ended(call.info(), CloseKind.FIN));

    Await.until("all is written", () -> written.size() == 4);
    JsonNode usual = new ObjectMapper().readTree(written.get(0));
    JsonNode line = new ObjectMapper().readTree(written.get(2));
    assertThat(written.get(2)).matches("[ -~]+\n");
    Map.ofEntries(
            Map.entry("METHOD", "method"),
            Map.entry("PATH", "path"),
            Map.entry("AUTHORITY", "authority"),
            Map.entry("REQUEST_ID", "request_id"),
            Map.entry("FORWARDED_FOR", "x_forwarded_for"),
            Map.entry("PROTOCOL", "protocol"),
            Map.entry("RESPONSE_CODE", "response_code"),
            Map.entry("RESPONSE_CODE_DETAILS", "response_code_details"),
            Map.entry("RESPONSE_FLAGS", "response_flags"),
            Map.entry("RESPONSE_DURATION", "time_to_first_byte"),
            Map.entry("UPSTREAM_SERVICE_TIME", "upstream_service_time"),
            Map.entry("GRPC_STATUS", "grpc_status"),
            Map.entry("BYTES_RECEIVED", "bytes_received"),
            Map.entry("BYTES_SENT", "bytes_sent"),
            Map.entry("DURATION", "duration"),
            Map.entry("UPSTREAM_HOST", "upstream_host"),
            Map.entry("UPSTREAM_CLUSTER", "upstream_cluster"),
            Map.entry("REQUESTED_SERVER_NAME", "requested_server_name"),
            Map.entry("CLIENT", "client"),
            Map.entry("SOURCE_PRINCIPAL", "source_principal"),
            Map.entry("DESTINATION_PRINCIPAL", "destination_principal"))
        .forEach((operator, field) ->
            assertThat(line.get(operator)).as(operator).isEqualTo(usual.get(field)));
    assertThat(line.path("USER_AGENT").asText()).isEqualTo("cur");
    assertThat(line.path("HOSTNAME").asText()).isEqualTo("catalogue-0");
    assertThat(line.path("CLIENT").asText()).contains(line.path("CLIENT_ADDRESS").asText());
    JsonNode connection = new ObjectMapper().readTree(written.get(3));
    assertThat(connection.path("METHOD").isNull()).isTrue();
    assertThat(connection.path("BYTES_RECEIVED"))
        .isEqualTo(new ObjectMapper().readTree(written.get(1)).get("bytes_sent"));
  }

  @Test
  void aLineHasABoundWhateverItsFormatAsksFor() {
    List<Piece> pieces = new ArrayList<>();
    for (int i = 0; i < LogFormat.MOST_VALUES; i++) {
      pieces.add(new Value(Operator.AUTHORITY, 0, true));
    }
    logs.publish(snapshot(Map.of(), new LogFormat(pieces), null));

    logs.write(
        new RequestRecord(
            CALL.info(),
            CALL.verdict(),
            CALL.version(),
            false,
            false,
            CALL.method(),
            "é".repeat(10_000),
            CALL.path(),
            200,
            null,
            CALL.end(),
            0,
            0,
            0,
            0,
            CALL.duration(),
            null,
            null,
            null,
            Map.of()));

    Await.until("it is written", () -> written.size() == 1);
    assertThat(written.getFirst())
        .hasSizeBetween(FormattedLine.MOST_OCTETS / 2, FormattedLine.MOST_OCTETS * 5 / 4);
  }

  @Test
  void aCollectorIsSentEachLineWithItsAttributesByGrpc() throws Exception {
    budget.limit(Reporting.MOST_BUDGET); // so that it is compressed
    AtomicInteger refusals = new AtomicInteger(1); // before it takes anything
    Server collector = grpc(_ -> refusals.getAndDecrement() > 0 ? Status.UNAVAILABLE : Status.OK);
    try {
      logs.publish(snapshot(Map.of("app", "cart"), PATH, to(collector.getPort(), Protocol.GRPC)));
      for (int i = 0; i < 1_000; i++) { // more octets than a window of HTTP/2
        logs.write(Samples.traced(CALL, new TraceSpan(10, 11, 12, 13, TraceSpan.SAMPLED)));
      }
      logs.write(Samples.ended(Samples.outbound(3), CloseKind.FIN));
      logs.write(Samples.request(Samples.certified(2, Samples.identity(Samples.CART)), 200));

      Await.until("all was sent", () -> told.size() == 1_001);
      assertThat(told).extracting(Map.Entry::getKey).containsOnly("cart-0.shop");
      LogRecord first = told.getFirst().getValue();
      assertThat(first.getBody().getStringValue()).isEqualTo("told /items/7");
      assertThat(
              first.getAttributesList().stream()
                  .collect(
                      Collectors.toMap(KeyValue::getKey, one -> one.getValue().getStringValue())))
          .containsOnly(Map.entry("site", "north"), Map.entry("method", "POST"));
      assertThat(first.getTraceId())
          .isEqualTo(ByteString.fromHex("000000000000000a000000000000000b"));
      assertThat(first.getSpanId()).isEqualTo(ByteString.fromHex("000000000000000c"));
      assertThat(first.getObservedTimeUnixNano() - first.getTimeUnixNano())
          .isEqualTo(CALL.duration().toNanos());
      Await.until("it is counted", () -> logs.counts().now().sent() == 1_001);
      assertThat(refusals.get()).isNegative();
      assertThat(logs.counts().now().dropped() + logs.counts().now().rejected()).isZero();
    } finally {
      collector.shutdownNow();
    }
  }

  /** As one whose limit of octets it is beyond. */
  @Test
  void whatACollectorHasNoRoomForAgainAndAgainKeepsNothingElseFromIt() throws Exception {
    Server collector =
        grpc(request ->
            request.toString().contains("/items/7") ? Status.RESOURCE_EXHAUSTED : Status.OK);
    try {
      logs.publish(snapshot(Map.of(), PATH, to(collector.getPort(), Protocol.GRPC)));
      logs.write(CALL);
      Await.until("it is given up", () -> logs.counts().now().rejected() == 1);
      logs.write(Samples.ended(Samples.outbound(3), CloseKind.FIN));
      logs.close();

      assertThat(told)
          .extracting(each -> each.getValue().getBody().getStringValue())
          .containsExactly("told -");
    } finally {
      collector.shutdownNow();
    }
  }

  private Server grpc(Function<ExportLogsServiceRequest, Status> answers) throws IOException {
    MethodDescriptor<ExportLogsServiceRequest, ExportLogsServiceRequest> method =
        MethodDescriptor.<ExportLogsServiceRequest, ExportLogsServiceRequest>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("opentelemetry.proto.collector.logs.v1.LogsService/Export")
            .setRequestMarshaller(
                ProtoUtils.marshaller(ExportLogsServiceRequest.getDefaultInstance()))
            .setResponseMarshaller(
                ProtoUtils.marshaller(ExportLogsServiceRequest.getDefaultInstance()))
            .build();
    return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        .addService(
            ServerServiceDefinition.builder("opentelemetry.proto.collector.logs.v1.LogsService")
                .addMethod(
                    method,
                    ServerCalls.asyncUnaryCall((request, answer) -> {
                      Status status = answers.apply(request);
                      if (!status.isOk()) {
                        answer.onError(status.asRuntimeException());
                      } else {
                        tell(request);
                        answer.onNext(ExportLogsServiceRequest.getDefaultInstance());
                        answer.onCompleted();
                      }
                    }))
                .build())
        .build()
        .start();
  }

  private void tell(ExportLogsServiceRequest request) {
    request
        .getResourceLogsList()
        .forEach(resource ->
            resource
                .getScopeLogs(0)
                .getLogRecordsList()
                .forEach(record ->
                    told.add(
                        Map.entry(
                            resource.getResource().getAttributes(0).getValue().getStringValue(),
                            record))));
  }

  /** Each message, as long as it was. */
  private HttpServer http(List<Integer> octets) throws IOException {
    HttpServer collector =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/v1/logs",
        exchange -> {
          byte[] message = exchange.getRequestBody().readAllBytes();
          octets.add(message.length);
          tell(ExportLogsServiceRequest.parseFrom(message));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
    return collector;
  }

  /** Else a Telemetry fills the heap of the node, whatever its pods are asked. */
  @Test
  void noMessageIsLongHoweverLongItsTelemetryMakesALine() throws Exception {
    List<Integer> octets = new CopyOnWriteArrayList<>();
    HttpServer collector = http(octets);
    try {
      logs.publish(
          snapshot(
              Map.of(),
              null,
              new Collector(
                  new NamedServer("127.0.0.1", collector.getAddress().getPort()),
                  Protocol.HTTP,
                  1_000,
                  fat())));
      for (int i = 0; i < 50; i++) {
        logs.write(CALL);
      }

      Await.until("all was sent", () -> told.size() == 50);
      assertThat(octets).allMatch(each -> each < 300_000);
      Await.until("it is counted", () -> logs.counts().now().sent() == 50);
    } finally {
      collector.stop(0);
    }
  }

  @Test
  void aCollectorOfHttpIsSentTheSameAndAnotherOneFromTheNextSnapshotOn() throws Exception {
    HttpServer collector = http(new CopyOnWriteArrayList<>());
    try {
      logs.publish(snapshot(Map.of(), null, to(collector.getAddress().getPort(), Protocol.HTTP)));
      logs.write(CALL);
      logs.publish(Samples.snapshot(2, Samples.CART, Samples.CATALOGUE));
      logs.write(CALL);

      Await.until("both are written", () -> written.size() == 2);
      Await.until("one was sent", () -> told.size() == 1);
      assertThat(told.getFirst().getValue().getBody().getStringValue() + "\n")
          .isEqualTo(written.getFirst());
      assertThat(logs.areSent()).isFalse();
    } finally {
      collector.stop(0);
    }
  }

  /** One that takes connections and says nothing. */
  @ParameterizedTest
  @EnumSource(Protocol.class)
  void aCollectorThatHangsKeepsNobodyWaitingAndTheQueueHasABound(Protocol protocol)
      throws Exception {
    int many = 20_000;
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      logs.publish(snapshot(Map.of(), null, to(silent.getLocalPort(), protocol)));
      logs.write(CALL);
      silent.accept().getInputStream().read(); // it is asked

      long start = System.nanoTime();
      for (int i = 0; i < many; i++) {
        logs.write(CALL);
      }
      Duration added = Duration.ofNanos(System.nanoTime() - start);

      assertThat(added.dividedBy(many)).isLessThan(AtLoad.limit(Duration.ofNanos(100_000)));
      assertThat(logs.counts().now().waiting()).isEqualTo(Exporter.MOST_WAITING);
      assertThat(logs.counts().now().dropped()).isEqualTo(many + 1 - Exporter.MOST_WAITING);
    }
    long start = System.nanoTime();
    logs.close();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isLessThan(AtLoad.limit(Duration.ofSeconds(3)));
  }

  /** As many, and of as many octets, as attributes make long lines. */
  private static Map<String, LogFormat> fat() {
    Map<String, LogFormat> attributes = new HashMap<>();
    for (int i = 0; i < Collector.MOST_ATTRIBUTES; i++) {
      attributes.put("fat-" + i, format(new Literal("x".repeat(LogFormat.MOST_CHARACTERS / 8))));
    }
    return attributes;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatWaitsForAllCollectorsThatHangHasOneBoundAndTheNextOneHasRoomAllTheSame(boolean isFat)
      throws Exception {
    List<ServerSocket> silent = new ArrayList<>();
    try {
      SnapshotEditor editor = Samples.snapshot(1).edit();
      for (int i = 0; i < 4; i++) {
        silent.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
        NamedServer server = new NamedServer("127.0.0.1", silent.getLast().getLocalPort());
        put(
            editor,
            "n" + i,
            "p",
            new Collector(server, Protocol.GRPC, 1_000, isFat ? fat() : Map.of()));
      }
      logs.publish(editor.snapshot(2));
      long before = 0;
      for (int i = 0; i < 4; i++) {
        RequestRecord call = call("n" + i, "p");
        logs.write(call);
        silent.get(i).accept().getInputStream().read(); // it is asked
        for (int one = 0; one < 3_000; one++) {
          logs.write(call);
        }
        assertThat(logs.counts().now().waiting() - before)
            .as("of collector %d", i)
            .isGreaterThan(isFat ? 5 : 100);
        before = logs.counts().now().waiting();
      }

      assertThat(logs.counts().now().waiting()).isLessThan(2 * Exporter.MOST_WAITING);
    } finally {
      for (ServerSocket each : silent) {
        each.close();
      }
    }
  }

  @Test
  void aNamespaceHasTwoCollectorsTheMeshItsOwnAndWhatIsForMoreIsCounted() {
    SnapshotEditor editor = Samples.snapshot(1, Samples.CART, Samples.CATALOGUE).edit();
    int port = 1;
    for (int namespace = 0; namespace < 5; namespace++) {
      for (int pod = 0; pod < 3; pod++) {
        put(editor, "n" + namespace, "p" + pod, to(port++, Protocol.GRPC));
      }
    }
    editor.put(setting(true, null, to(port, Protocol.GRPC), Map.of()));
    logs.publish(editor.snapshot(2));

    for (int namespace = 0; namespace < 5; namespace++) {
      for (int pod = 0; pod < 3; pod++) {
        logs.write(call("n" + namespace, "p" + pod));
      }
      int refused = namespace < 4 ? 1 + namespace : 4 + 3; // eight of all
      assertThat(logs.counts().now().dropped()).as("in %d", namespace).isEqualTo(refused);
    }
    long before = logs.counts().now().dropped();
    logs.write(CALL);
    assertThat(logs.counts().now().dropped()).as("of the mesh's own").isEqualTo(before);
  }

  /** One exporter has what all say. */
  @Test
  void howLongAConnectionIsWaitedForMakesNoOtherCollectorOfIt() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      SnapshotEditor editor = Samples.snapshot(1).edit();
      for (int i = 0; i <= AccessLogRules.MOST_COLLECTORS; i++) {
        Collector collector = to(silent.getLocalPort(), Protocol.GRPC);
        put(
            editor,
            "shop",
            "p" + i,
            new Collector(
                collector.server(), collector.protocol(), 1_000 + i, collector.attributes()));
      }
      logs.publish(editor.snapshot(2));

      for (int i = 0; i <= AccessLogRules.MOST_COLLECTORS; i++) {
        logs.write(call("shop", "p" + i));
      }

      assertThat(logs.counts().now().dropped()).isZero();
    }
  }

  private static RequestRecord call(String namespace, String pod) {
    return Samples.request(Samples.outbound(1, new NamespacedName(namespace, pod)), 200);
  }

  /** A pod, and the Telemetry of its own. */
  private static void put(
      SnapshotEditor editor, String namespace, String name, @Nullable Collector collector) {
    NamespacedName pod = new NamespacedName(namespace, name);
    Samples.snapshot(1, pod).workloads().forEach(editor::put);
    editor.put(new AccessLogSetting(pod, false, 1, Map.of("app", name), null, collector));
  }

  private static Collector to(int port, Protocol protocol) {
    return new Collector(
        new NamedServer("127.0.0.1", port),
        protocol,
        1_000,
        Map.of(
            "site",
            format(new Literal("north")),
            "method",
            format(new Value(Operator.METHOD, 0, false))));
  }

  private static LogFormat format(Piece... pieces) {
    return new LogFormat(Stream.of(pieces).toList());
  }

  /** By one of the mesh's own. */
  private static MeshSnapshot snapshot(
      Map<String, String> selector, @Nullable LogFormat format, @Nullable Collector collector) {
    SnapshotEditor editor = Samples.snapshot(1, Samples.CART, Samples.CATALOGUE).edit();
    editor.put(setting(true, format, collector, selector));
    return editor.snapshot(2);
  }

  private static AccessLogSetting setting(
      boolean isOfMesh,
      @Nullable LogFormat format,
      @Nullable Collector collector,
      Map<String, String> selector) {
    return new AccessLogSetting(
        new NamespacedName(isOfMesh ? "mesh" : "shop", "told"),
        isOfMesh,
        1,
        selector,
        format,
        collector);
  }
}
