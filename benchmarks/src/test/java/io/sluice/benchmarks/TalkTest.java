package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** A load that accepts a wrong answer measures nothing. */
class TalkTest {
  private static final String ITEM = "x".repeat(256);

  private interface Side {
    void run(SocketChannel connection) throws Exception;
  }

  @Test
  void whatTheServerAnswersIsAcceptedOneAfterTheOther() throws Exception {
    between(
        LoadServer::http,
        client -> {
          for (Talk talk : List.of(Talk.GET, Talk.GET_CHUNK, Talk.PUT_CHUNK)) {
            Talk.Exchange exchange = talk.begin();
            exchange.run(client);
            exchange.run(client);
          }
          assertThat(Talk.statusOf(client, LoadServer.FORBIDDEN_ITEM)).isEqualTo("200");
          assertThat(Talk.statusOf(client, "/nothing")).isEqualTo("404");
        });
  }

  @Test
  void anAnswerMayComeInPiecesWithFieldsInAnyCase() throws Exception {
    between(
        server -> {
          for (String piece :
              List.of(
                  "HTTP/1.1 200 OK\r\nDa", "te: x\r\ncontent-LENGTH: 256\r", "\n\r", "\n" + ITEM)) {
            send(server, piece);
            Thread.sleep(20);
          }
        },
        client -> Talk.GET.begin().run(client));
  }

  @Test
  void otherAnswersFail() {
    assertFails("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403");
    assertFails("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxx", "length=2");
    assertFails("HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\nxx", "254 bytes");
    assertFails("HTTP/1.1 200 OK\r\n\r\n", "without a length");
    assertFails("HTTP/1.1 200 OK\r\n", "within a head");
    assertFails("", "before it had answered");
  }

  private static void assertFails(String answer, String why) {
    assertThatThrownBy(() ->
            between(
                server -> {
                  send(server, answer);
                  server.shutdownOutput();
                },
                client -> Talk.GET.begin().run(client)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(why);
  }

  private static void send(SocketChannel connection, String text) throws IOException {
    connection.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private static void between(Side server, Side client) throws Exception {
    try (ServerSocketChannel listener =
            ServerSocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        SocketChannel near = SocketChannel.open(listener.getLocalAddress());
        SocketChannel far = listener.accept()) {
      FutureTask<Void> serving =
          new FutureTask<>(() -> {
            server.run(far);
            return null;
          });
      Thread.ofPlatform().daemon().start(serving);
      client.run(near);
      near.shutdownOutput();
      serving.get();
    }
  }
}
