package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.MESH_CONFIG;
import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.http;
import static io.sluice.scenario.ScenarioManifests.meshConfig;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.ScenarioManifests.tcp;
import static io.sluice.scenario.ScenarioManifests.tcpRoute;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.call;
import static io.sluice.scenario.Step.calls;
import static io.sluice.scenario.Step.remove;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.AtLoad;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What a port speaks: rows of its declaration, of HTTP/2, gRPC, WebSocket and TLS. */
final class ProtocolScenarios {
  private static final String BUYER = "bookbuyer";
  private static final String GREETING = "220 store ready\r\n";
  private static final int GREETINGS = 5;

  /** Ports of a Service: what is written first counts, then the name, and then nothing. */
  private static final String DECLARED =
      """
      {name: web, port: 1, targetPort: 1, appProtocol: http},
      {name: tcp-web, port: 2, targetPort: 2, appProtocol: http},
      {name: http-web, port: 3, targetPort: 3, appProtocol: tcp},
      {name: http-shop, port: 4, targetPort: 4},
      {name: grpc, port: 5, targetPort: 5},
      {name: tcp-server-first-mail, port: 6, targetPort: 6},
      {name: shop, port: 7, targetPort: 7, appProtocol: https},
      {name: other, port: 8, targetPort: 8}\
      """;

  private ProtocolScenarios() {}

  static Stream<Scenario> all() {
    WebSockets sockets = new WebSockets(BUYER, "v1");
    return Stream.of(
        Scenario.of(
            "what a port declares says how it is carried",
            files("service", service("bookstore", "version: v1", DECLARED)),
            act("handlers", ProtocolScenarios::compareHandlers)),
        Scenario.of(
            "who does not speak HTTP to a port that is declared so is reset within a second",
            files(
                MESH_CONFIG,
                meshConfig(true),
                "service",
                service(
                    "bookstore",
                    "version: v1",
                    port(80, Nginx.HTTP, "http"),
                    port(22, Nginx.HTTP, ""))),
            act("a client of another protocol", ProtocolScenarios::speakAnotherProtocol)),
        Scenario.of(
            "a port of no declared protocol stays bytes in permissive mode",
            files(
                MESH_CONFIG,
                meshConfig(true),
                "service",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, ""))),
            act("a server that speaks first", ProtocolScenarios::awaitGreeting),
            calls(BUYER, call("http://bookstore/", "200 v1"))),
        Scenario.of(
            "a call of gRPC that is refused has a status of gRPC",
            files(
                "service",
                service("bookstore", "version: v1", port(81, Nginx.H2C, "grpc")),
                "routes",
                routes("store", "{name: buy, pathRegex: /books.Store/Buy, methods: [POST]}"),
                "target",
                target(BUYER, "bookstore-v1", http("store"))),
            calls(
                BUYER,
                call(grpc("Buy"), "200 v1"),
                call(grpc("Steal"), "grpc 7"),
                call(Request.of("POST", "http://bookstore:81/books.Store/Steal").h2(), "403"))),
        Scenario.of(
            "the application's own TLS passes untouched",
            files(
                "service",
                service("bookstore", "version: v1", port(443, Nginx.TLS, "https")),
                "routes",
                routes("store", "{name: all}") + "---\n" + tcpRoute("port", Nginx.TLS),
                "target",
                target(BUYER, "bookstore-v1", tcp("port"))),
            act("the application's certificate", cell -> askByTls(cell, "200 v1")),
            Step.change("target", target(BUYER, "bookstore-v1", http("store"))),
            act("requests alone are granted", cell -> askByTls(cell, "cut"))),
        Scenario.of(
            "a WebSocket lives until it is not granted any more",
            files(
                "service",
                service("bookstore", "version: v1", sockets.ports()),
                "routes",
                routes("store", "{name: socket, pathRegex: /socket, methods: [GET]}"),
                "target",
                target(BUYER, "bookstore-v1", http("store"))),
            act("sockets are opened", sockets::open),
            Step.change(
                "routes", routes("store", "{name: socket, pathRegex: '/s.*', methods: [GET]}")),
            act("they live on", sockets::exchange),
            remove("target"),
            act("they are cut", sockets::awaitCut)),
        Scenario.of(
            "a large body goes through whole, and takes no memory",
            files(
                "service",
                service("bookstore", "version: v1", port(80, Nginx.HTTP, "http")),
                "routes",
                routes("store", "{name: files, pathRegex: '/files/.*', methods: [GET, PUT]}"),
                "target",
                target(BUYER, "bookstore-v1", http("store"))),
            act("files there and back", new LargeBodies(BUYER)::check)));
  }

  private static void compareHandlers(Cell cell) {
    List<String> handlers = new ArrayList<>();
    cell.site()
        .serving()
        .pod(cell.site().pod("v1"))
        .path("handlers")
        .forEach(handler -> handlers.add(handler.asText().replaceFirst(":.*", "")));
    assertThat(handlers)
        .containsExactly(
            "1 http", "2 http", "3 bytes", "4 http", "5 http", "6 bytes", "7 bytes", "8 bytes");
  }

  private static Request grpc(String method) {
    return Request.of("POST", "http://bookstore:81/books.Store/" + method)
        .header("content-type: application/grpc")
        .h2();
  }

  private static void speakAnotherProtocol(Cell cell) {
    for (String hello :
        new String[] {"SSH-2.0-client\r\n", "\u0016\u0003\u0001\u0002\u0000\u0001"}) {
      Attempt attempt = Attempt.from(cell.client(BUYER), cell.at("bookstore", 80), hello);

      assertThat(attempt.wasReset()).as("%s", attempt).isTrue();
      assertThat(attempt.time()).isLessThan(AtLoad.limit(Duration.ofSeconds(1)));
      JsonNode record = cell.calling().record("outbound", attempt);
      assertThat(record.path("close_reason").asText()).isEqualTo("protocol_mismatch");
      assertThat(record.path("original_destination").asText()).endsWith(":80");
    }
  }

  /** The best of a few: a machine that is busy says nothing of the others. */
  private static void awaitGreeting(Cell cell) {
    int port = 2_500 + cell.number();
    try (TcpServer server =
        TcpServer.open(
            cell.site().pod("v1"),
            cell.at("v1", port),
            channel -> {
              channel.write(ByteBuffer.wrap(GREETING.getBytes(StandardCharsets.US_ASCII)));
              channel.read(ByteBuffer.allocate(1));
            })) {
      long best = Long.MAX_VALUE;
      for (int i = 0; i < GREETINGS; i++) {
        try (Talk talk = Talk.begin(cell.client(BUYER), cell.at("v1", server.port()))) {
          long begin = System.nanoTime();
          assertThat(talk.receive(GREETING.length())).isEqualTo(GREETING);
          best = Math.min(best, System.nanoTime() - begin);
        }
      }
      assertThat(Duration.ofNanos(best)).isLessThan(AtLoad.limit(Duration.ofMillis(50)));
    }
  }

  private static void askByTls(Cell cell, String outcome) {
    Request request =
        Request.get("https://bookstore/")
            .with("cacert = \"" + cell.site().directory().resolve("app.crt") + '"');
    assertThat(cell.ask(BUYER, List.of(request)))
        .singleElement()
        .extracting(Answer::outcome)
        .isEqualTo(outcome);
  }
}
