package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An application that answers by the head alone, while the content is still on its way. */
@Timeout(60)
class EarlyAnswerTest {
  private static final int TIMES = 300;

  @Test
  void isPassedOnAndTheNextRequestFindsAConnectionThatStands() throws Exception {
    try (var mesh = new HttpFixture()) {
      Socket socket = mesh.connect();
      for (int i = 0; i < TIMES; i++) {
        socket.setSoTimeout(10_000);
        say(socket, "POST /books HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\n\r\n");
        if (i % 2 == 0) {
          Thread.sleep(Duration.ofNanos(50_000L * (i % 40)));
        }
        say(socket, "hello");
        String answer = HttpFixture.read(socket, "ok");
        assertThat(answer).as("number %s", i).startsWith("HTTP/1.1 200 ");
        if (answer.contains("Connection: close")) {
          socket.close();
          socket = mesh.connect();
        }
      }
      socket.close();
    }
  }

  private static void say(Socket socket, String octets) throws IOException {
    socket.getOutputStream().write(octets.getBytes(ISO_8859_1));
  }
}
