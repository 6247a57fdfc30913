package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How much and how slowly a peer of HTTP/1 may ask, and what comes whole however it ends. */
@Timeout(60)
class HttpLimitsTest {
  private static final String END = "\r\n\r\n";
  private static final String GET = "GET /books HTTP/1.1\r\nHost: s\r\n";

  @Tag("attack")
  @Test
  void headsHaveASize() throws IOException {
    try (var mesh = new HttpFixture()) {
      refused(mesh, "a request line of 9 KB", "GET /books?" + "a".repeat(9_000) + " HTTP/1.1", 414);
      refused(mesh, "a request line without an end", "GET /" + "a".repeat(9_000), 414);
      refused(mesh, "a field of 64 KB", GET + "X: " + "a".repeat(64_000) + END, 431);
      refused(mesh, "a head without an end", GET + "X: aaaaaa\r\n".repeat(7_000), 431);
      refused(mesh, "101 fields", GET + "X: y\r\n".repeat(101) + "\r\n", 431);
    }
  }

  private static void refused(HttpFixture mesh, String what, String octets, int status)
      throws IOException {
    List<RequestRecord> told = mesh.nodes.client.recorder.requests;
    told.clear();
    assertThat(mesh.ask(octets, "")).startsWith("HTTP/1.1 " + status);
    Await.until("it is told", () -> told.size() == 1 && told.getFirst().status() == status);
    assertThat(mesh.received).isEmpty();
    Attack.tried("HTTP/1.1: " + what)
        .refusedBy("the caller's proxy, " + status)
        .countedAs("istio_requests_total{response_code=\"" + status + "\"}");
  }

  @Tag("attack")
  @Test
  void aHeadThatComesSlowlyIsEnded() throws Exception {
    try (var mesh = new HttpFixture();
        Socket socket = mesh.connect()) {
      socket.setSoTimeout(40_000);
      socket.getOutputStream().write(GET.getBytes(ISO_8859_1));
      Thread dripping =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  while (true) {
                    Thread.sleep(500);
                    socket.getOutputStream().write("X: y\r\n".getBytes(ISO_8859_1));
                  }
                } catch (IOException | InterruptedException e) {
                  // It has ended.
                }
              });

      assertThat(HttpFixture.read(socket, END)).startsWith("HTTP/1.1 408 ");
      dripping.interrupt();
      dripping.join();
      assertThat(mesh.received).isEmpty();
      List<RequestRecord> told = mesh.nodes.client.recorder.requests;
      Await.until("it is told", () -> told.size() == 1 && told.getFirst().status() == 408);
    }
    Attack.tried("HTTP/1.1: a head that comes a field every half second")
        .refusedBy("the caller's proxy, 408 after 10 s")
        .countedAs("istio_requests_total{response_code=\"408\"}");
  }

  @Test
  void whatWasAskedBeforeTheEndOfOutputIsAnswered() throws IOException {
    try (var mesh = new HttpFixture();
        Socket socket = mesh.connect()) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write((GET + "\r\n").repeat(3).getBytes(ISO_8859_1));
      socket.shutdownOutput();

      assertThat(HttpFixture.read(socket, "").split("HTTP/1.1 200")).hasSize(4);
    }
  }

  @Test
  void anUploadThatEndsWithTheConnectionIsWhole() throws IOException {
    byte[] content = new byte[300_000];
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  String head = "";
                  while (!head.endsWith(END)) {
                    head += (char) socket.getInputStream().read();
                  }
                  int came = socket.getInputStream().readNBytes(content.length).length;
                  socket
                      .getOutputStream()
                      .write(
                          ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Came: " + came + END + "ok")
                              .getBytes(ISO_8859_1));
                },
                "/books");
        Socket socket = mesh.connect()) {
      socket.setSoTimeout(10_000);
      socket
          .getOutputStream()
          .write(
              ("POST /books HTTP/1.1\r\nHost: s\r\nContent-Length: " + content.length + END)
                  .getBytes(ISO_8859_1));
      socket.getOutputStream().write(content);
      socket.shutdownOutput();

      assertThat(HttpFixture.read(socket, "ok")).contains("X-Came: " + content.length);
    }
  }
}
