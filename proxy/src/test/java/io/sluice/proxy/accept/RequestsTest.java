package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.sluice.await.Await;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/1.1 over two proxies: which requests are let through, and what becomes of the others. */
@Timeout(60)
class RequestsTest {
  private static final String END = "\r\n\r\n";

  @Test
  void aGrantedRequestIsAnsweredAndAnotherIsForbidden() throws IOException {
    try (var mesh = new HttpFixture()) {
      assertThat(mesh.ask("GET /books?x=/other HTTP/1.1\r\nHost: store\r\n\r\n", "ok"))
          .startsWith("HTTP/1.1 200 OK\r\n")
          .endsWith("ok");
      assertThat(mesh.ask("GET /admin?/books HTTP/1.1\r\nHost: store\r\n\r\n", END))
          .startsWith("HTTP/1.1 403 Forbidden\r\n");
      assertThat(mesh.ask("DELETE /books HTTP/1.1\r\nHost: store\r\n\r\n", END))
          .startsWith("HTTP/1.1 403 ");

      assertThat(mesh.received).hasSize(1);
      assertThat(mesh.received.getFirst().text())
          .startsWith("GET /books?x=/other HTTP/1.1\r\nHost: store\r\n")
          .contains(
              "x-forwarded-client-cert: By=" + TwoNodes.STORE_ID + ";URI=" + TwoNodes.BUYER_ID);
    }
  }

  @Test
  void oneConnectionCarriesManyRequestsAndEachIsDecided() throws IOException {
    try (var mesh = new HttpFixture();
        Socket socket = mesh.connect()) {
      for (int i = 0; i < 3; i++) {
        socket.getOutputStream().write("GET /books HTTP/1.1\r\nHost: s\r\n\r\n".getBytes());
        assertThat(HttpFixture.read(socket, "ok")).startsWith("HTTP/1.1 200");
        socket.getOutputStream().write("GET /keys HTTP/1.1\r\nHost: s\r\n\r\n".getBytes());
        assertThat(HttpFixture.read(socket, END)).startsWith("HTTP/1.1 403");
      }
      // Pipelined: answered in their order.
      socket
          .getOutputStream()
          .write(
              ("GET /books HTTP/1.1\r\nHost: s\r\n\r\nGET /keys HTTP/1.1\r\nHost: s\r\n\r\n"
                      + "GET /books/2 HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
                  .getBytes());
      String answers = HttpFixture.read(socket, "");
      assertThat(answers.split("HTTP/1.1 ")).hasSize(4);
      assertThat(answers).containsSubsequence("HTTP/1.1 200", "HTTP/1.1 403", "HTTP/1.1 200");
      assertThat(mesh.received)
          .extracting(HttpFixture.Received::text)
          .as("one connection to the application")
          .hasSize(1);

      List<RequestRecord> told = mesh.nodes.client.recorder.requests;
      Await.until("all are told", () -> told.size() == 9);
      assertThat(told)
          .extracting(RequestRecord::status)
          .containsExactly(200, 403, 200, 403, 200, 403, 200, 403, 200);
      assertThat(told)
          .filteredOn(one -> one.status() == 403)
          .extracting(one -> one.verdict().reason())
          .containsOnly(Reason.ROUTE_NOT_GRANTED);
    }
  }

  @Test
  void whoIsGrantedNothingIsResetAsOnAnyPort() throws IOException {
    try (var mesh = new HttpFixture()) {
      mesh.nodes.publish(mesh.nodes.withRequests(List.of()));
      assertThatThrownBy(
              () -> {
                try (Socket socket = mesh.connect()) {
                  socket.getOutputStream().write("GET /books HTTP/1.1\r\n".getBytes());
                  socket.getInputStream().read();
                }
              })
          .isInstanceOf(SocketException.class);
      assertThat(mesh.received).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u0016\u0003\u0001\u0002\u0000\u0001",
        "SSH-2.0-client\r\n",
        "EHLO store.example\r\n",
        "*1\r\n$4\r\nPING\r\n"
      })
  void whatIsNotHttpIsResetAndToldByItsReason(String hello) throws IOException {
    try (var mesh = new HttpFixture()) {
      assertThat(mesh.ask(hello, "")).isEqualTo("[reset]");
      Recorder recorder = mesh.nodes.client.recorder;
      assertThat(recorder.onlyRefused().closeKind()).isEqualTo(CloseKind.REFUSED);
      assertThat(recorder.onlyRefused().closeReason()).isEqualTo(Reason.PROTOCOL_MISMATCH);
    }
  }

  /** As servers of gRPC do (RFC 9113 §3.4), while the one above all waits for the client. */
  @Test
  void anApplicationOfHttp2MaySendItsSettingsFirst() throws IOException {
    String settings = "\0\0\0\4\0\0\0\0\0";
    HttpFixture.Application settingsFirst =
        (socket, received) -> {
          socket.getOutputStream().write(settings.getBytes(ISO_8859_1));
          while (!received.text().contains("/books")) {
            byte[] buffer = new byte[1_024];
            received.add(buffer, Math.max(0, socket.getInputStream().read(buffer)));
          }
          String heads = "\1\5\0\0\0"; // type, flags, and of the stream all but its last octet
          char stream = received.text().charAt(received.text().indexOf(heads) + heads.length());
          // Status 200, and the end.
          socket
              .getOutputStream()
              .write(("\0\0\1\1\5\0\0\0" + stream + "\u0088").getBytes(ISO_8859_1));
          socket.getInputStream().readAllBytes();
        };
    try (var mesh = new HttpFixture(settingsFirst, "/books")) {
      String head = "\u0082\u0086\4\6/books\1\5store"; // GET, http, path, authority
      String answer =
          mesh.ask(
              "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                  + settings
                  + ("\0\0" + (char) head.length() + "\1\5\0\0\0\1" + head),
              "\1\5\0\0\0\1\u0088");

      assertThat(answer).contains("\1\5\0\0\0\1\u0088");
      assertThat(mesh.received.getFirst().text()).startsWith("PRI * HTTP/2.0");
    }
  }

  @Test
  void clientAndServerOfOthersTalkThroughIt() throws Exception {
    try (var mesh = new HttpFixture(HttpFixture::answerEach, ".*")) {
      HttpServer server = HttpServer.create();
      server.createContext(
          "/",
          exchange -> {
            byte[] content = exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, content.length % 2 == 0 ? 0 : content.length);
            try (var out = exchange.getResponseBody()) {
              out.write(content);
            }
          });
      server.bind(new InetSocketAddress(mesh.nodes.app.address().getAddress(), 0), 16);
      server.start();
      mesh.nodes.lead(server.getAddress());
      try (HttpClient client =
          HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
        for (int size : new int[] {0, 1, 1_000, 100_001, 3_000_000}) {
          byte[] content = new byte[size];
          java.util.Arrays.fill(content, (byte) size);
          var request =
              HttpRequest.newBuilder(
                      URI.create("http://127.0.0.1:" + mesh.nodes.entry.getPort() + "/x"))
                  .POST(
                      size % 3 == 0
                          ? HttpRequest.BodyPublishers.ofByteArray(content)
                          : HttpRequest.BodyPublishers.ofInputStream(
                              () -> new java.io.ByteArrayInputStream(content)))
                  .build();
          HttpResponse<byte[]> answer =
              client.send(request, HttpResponse.BodyHandlers.ofByteArray());
          assertThat(answer.statusCode()).isEqualTo(200);
          assertThat(answer.body()).isEqualTo(content);
        }
      } finally {
        server.stop(0);
      }
    }
  }

  @Test
  void aSlowReaderOfAnUploadHoldsBackWhoSends() throws Exception {
    CountDownLatch read = new CountDownLatch(1);
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  HttpFixture.awaitQuietly(read);
                  HttpFixture.answerEach(socket, received);
                },
                ".*");
        Socket socket = mesh.connect()) {
      socket
          .getOutputStream()
          .write("POST /x HTTP/1.1\r\nHost: s\r\nContent-Length: 50000000\r\n\r\n".getBytes());
      var sent = new java.util.concurrent.atomic.AtomicLong();
      Thread sender =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  byte[] piece = new byte[65_536];
                  while (true) {
                    socket.getOutputStream().write(piece);
                    sent.addAndGet(piece.length);
                  }
                } catch (IOException e) {
                  // The test has ended.
                }
              });
      Await.until(
          "it is held back",
          () -> {
            long before = sent.get();
            Thread.sleep(300);
            return before > 0 && sent.get() == before;
          });
      assertThat(sent.get()).isLessThan(30_000_000);
      read.countDown();
      socket.close();
      sender.join();
    }
  }
}
