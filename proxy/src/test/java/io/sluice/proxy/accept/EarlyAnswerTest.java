package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.proxy.http2.RawClient;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An application that answers by the head alone, while the content is still on its way. */
@Timeout(60)
class EarlyAnswerTest {
  private static final int TIMES = 300;
  private static final byte NOT_FOUND = (byte) 0x8d; // RFC 7541, appendix A

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

  /** Whoever answers early and closes resets who still sends; the answer is read before that. */
  @Test
  void ofAnApplicationOfHttp2ThatClosesArrives() throws Exception {
    ByteArrayOutputStream asked = new ByteArrayOutputStream();
    asked.writeBytes(
        RawClient.frame(
            RawClient.HEADERS,
            RawClient.END_HEADERS,
            1,
            RawClient.headers(
                ":method", "POST", ":scheme", "http", ":authority", "store", ":path", "/books")));
    for (int i = 0; i < 60; i++) {
      asked.writeBytes(RawClient.frame(RawClient.DATA, 0, 1, new byte[1_000]));
    }
    try (var mesh = new HttpFixture((socket, _) -> refuse(socket), ".*")) {
      for (int i = 0; i < TIMES / 3; i++) {
        try (RawClient client = new RawClient(mesh.nodes.entry)) {
          client.flood(asked.toByteArray());

          assertThat(client.next(RawClient.HEADERS).payload())
              .as("number %s", i)
              .startsWith(NOT_FOUND);
        }
      }
    }
  }

  /** Answers a request that has begun, and closes with much that it has not read. */
  private static void refuse(Socket socket) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
    socket.getOutputStream().write(RawClient.frame(RawClient.SETTINGS, 0, 0, new byte[0]));
    int type;
    int stream;
    do {
      int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      type = in.readUnsignedByte();
      in.readByte();
      stream = in.readInt();
      in.skipNBytes(length);
    } while (type != RawClient.HEADERS);
    int whole = RawClient.END_HEADERS | RawClient.END_STREAM;
    byte[] list = {NOT_FOUND};
    socket.getOutputStream().write(RawClient.frame(RawClient.HEADERS, whole, stream, list));
    socket.close();
  }

  private static void say(Socket socket, String octets) throws IOException {
    socket.getOutputStream().write(octets.getBytes(ISO_8859_1));
  }
}
