package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
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
      refused(mesh, "33 options", GET + "Connection: " + "a,".repeat(32) + "close" + END, 400);
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
        Socket socket = mesh.connect();
        Socket begun = mesh.connect();
        Socket preface = mesh.connect();
        Socket honest = mesh.connect()) {
      socket.setSoTimeout(40_000);
      begun.setSoTimeout(40_000);
      begun.getOutputStream().write('P'); // as HTTP/2 begins too
      preface.setSoTimeout(40_000);
      preface.getOutputStream().write("PRI * HTTP/2.0\r\n\r\nSM".getBytes(ISO_8859_1));
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

      for (int heads = 0; heads < 12; heads++) { // within one whenever somebody looks
        honest.getOutputStream().write("GET /books HTT".getBytes(ISO_8859_1));
        Thread.sleep(1_050);
        honest.getOutputStream().write("P/1.1\r\nHost: s\r\n\r\n".getBytes(ISO_8859_1));
        assertThat(HttpFixture.read(honest, END)).startsWith("HTTP/1.1 200 ");
      }
      assertThat(HttpFixture.read(socket, END)).startsWith("HTTP/1.1 408 ");
      assertThat(HttpFixture.read(begun, END)).startsWith("HTTP/1.1 408 ");
      assertThat(HttpFixture.read(preface, END)).containsOnlyOnce("HTTP/1.1 ");
      dripping.interrupt();
      dripping.join();
      assertThat(mesh.received).hasSize(1);
      List<RequestRecord> told = mesh.nodes.client.recorder.requests;
      Await.until(
          "both are told",
          () -> told.stream().filter(request -> request.status() == 408).count() == 2);
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

  /** A client that sends no more is told so after a minute; one that may not, never. */
  @Test
  void anApplicationMayTakeItsTimeOverAnUpload() throws Exception {
    int length = 64 << 20;
    CountDownLatch read = new CountDownLatch(1);
    AtomicLong written = new AtomicLong();
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  HttpFixture.awaitQuietly(read);
                  socket.getInputStream().skipNBytes(length);
                  HttpFixture.answerOnce(socket);
                  socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                },
                ".*");
        Socket socket = mesh.connect()) {
      socket.setSoTimeout(30_000);
      OutputStream out = socket.getOutputStream();
      out.write(
          ("POST /books HTTP/1.1\r\nHost: s\r\nContent-Length: " + length + END)
              .getBytes(ISO_8859_1));
      Thread sender =
          Thread.ofVirtual()
              .start(() -> {
                byte[] block = new byte[65_536];
                try {
                  while (written.get() < length) {
                    out.write(block);
                    written.addAndGet(block.length);
                  }
                } catch (IOException e) {
                  // The answer tells.
                }
              });
      // Or a minute passes for the proxy while the kernel waits to ask for room once more.
      assertThat(BackPressureTest.untilStuck(written, Duration.ofSeconds(4))).isLessThan(length);

      passMinutes(mesh);
      read.countDown();

      assertThat(HttpFixture.read(socket, "ok")).startsWith("HTTP/1.1 200 ");
      sender.join();
    }
  }

  private static void passMinutes(HttpFixture mesh) {
    for (int i = 0; i < 4; i++) {
      long now = System.nanoTime() + i * TimeUnit.SECONDS.toNanos(61);
      mesh.nodes.client.proxy.tick(now);
      mesh.nodes.server.proxy.tick(now);
    }
  }

  @Tag("attack")
  @Test
  void anUploadThatComesNoFurtherIsEnded() throws Exception {
    try (var mesh = new HttpFixture();
        Socket socket = mesh.connect()) {
      socket.setSoTimeout(10_000);
      socket
          .getOutputStream()
          .write(
              ("POST /books HTTP/1.1\r\nHost: s\r\nContent-Length: 9" + END + "12345678")
                  .getBytes(ISO_8859_1));
      Await.until(
          "the application has all that came",
          () -> mesh.received.stream().anyMatch(one -> one.text().endsWith("12345678")));

      passMinutes(mesh);

      assertThat(HttpFixture.read(socket, END)).startsWith("HTTP/1.1 408 ");
      List<RequestRecord> told = mesh.nodes.client.recorder.requests;
      Await.until("it is told", () -> told.size() == 1);
      assertThat(told.getFirst().status()).isEqualTo(408);
    }
    Attack.tried("HTTP/1.1: a content that comes no further")
        .refusedBy("the caller's proxy, 408 after 60 s")
        .countedAs("istio_requests_total{response_code=\"408\"}");
  }

  /** The application closes at once, and the client reads when the kernel alone has the rest. */
  @Test
  void aLargeAnswerBeforeAnEndIsWhole() throws Exception {
    byte[] content = new byte[1_000_000];
    for (String length : List.of("Content-Length: " + content.length + "\r\n", "")) {
      try (var mesh =
              new HttpFixture(
                  (socket, received) -> {
                    socket.getInputStream().read(new byte[1_000]);
                    socket
                        .getOutputStream()
                        .write(("HTTP/1.1 200 OK\r\n" + length + "\r\n").getBytes(ISO_8859_1));
                    socket.getOutputStream().write(content);
                  },
                  ".*");
          Socket socket = mesh.connect()) {
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write((GET + "Connection: close" + END).getBytes(ISO_8859_1));
        Await.until("all of it is told", () -> mesh.nodes.client.recorder.requests.size() == 1);
        long now = System.nanoTime();
        mesh.nodes.client.proxy.tick(now);
        mesh.nodes.client.proxy.tick(now + TimeUnit.SECONDS.toNanos(30));
        String answer = HttpFixture.read(socket, "");
        assertThat(answer).doesNotContain("[reset]");
        assertThat(answer.length()).isGreaterThan(content.length);
      }
    }
  }
}
