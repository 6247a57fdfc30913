package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.HttpMethod;
import io.sluice.kernel.LongRun;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** All that clients of HTTP send, in a cell: each has the answer to what it has asked. */
final class MixedRequests {
  static final int ONE_BY_ONE = LongRun.ON ? 1_300 : 500;
  static final int PIPELINED = LongRun.ON ? 400 : 200;
  static final int MULTIPLEXED = LongRun.ON ? 500 : 200;
  static final int GRPC = LongRun.ON ? 280 : 100;
  static final int WEB_SOCKETS = 20;

  /** Begins every code. */
  static final String ANY = "";

  private static final int PIPELINE = 10;
  private static final int STREAMS = 20;
  private static final int USUAL_BYTES = 4_000;
  private static final int LARGE_BYTES = 200_000;
  private static final int LARGEST_BYTES = (LongRun.ON ? 100 : 32) << 20;
  private static final List<Ask.Framing> FRAMINGS = List.of(Ask.Framing.values());

  private final Cell cell;
  private final Function<Boolean, ClientConnection> connect; // whether by HTTP/2
  private final Random random;
  private int number;

  MixedRequests(Cell cell, Function<Boolean, ClientConnection> connect) {
    this.cell = cell;
    this.connect = connect;
    this.random = new Random(cell.number());
  }

  /** How many are counted so in a cell. */
  static int count(String protocol, String code) {
    boolean grpc = protocol.equals("grpc");
    int switched = grpc ? 0 : WEB_SOCKETS;
    int whole = grpc ? GRPC : ONE_BY_ONE + PIPELINED + MULTIPLEXED;
    return switch (code) {
      case "200" -> whole;
      case "101" -> switched;
      default -> whole + switched;
    };
  }

  /** Half of them have contents, every twentieth a large one, one a very large one. */
  private Ask next(boolean pipelined) {
    String id = "mixed-" + cell.number() + "-" + number++;
    int kind = random.nextInt(8);
    int bytes = random.nextInt(20) == 0 ? LARGE_BYTES : random.nextInt(USUAL_BYTES);
    Ask.Framing framing = FRAMINGS.get(random.nextInt(3));
    return switch (kind) {
      case 0, 1, 2 ->
          new Ask(HttpMethod.GET, "/load/" + id, id, 0, Ask.Framing.LENGTH, bytes, framing);
      case 3 ->
          new Ask(
              HttpMethod.HEAD, "/load/" + id, id, 0, Ask.Framing.LENGTH, bytes, Ask.Framing.LENGTH);
      case 4 -> Ask.post("/load/" + id, id, pipelined ? 0 : bytes, Ask.Framing.LENGTH);
      case 5 -> Ask.post("/load/" + id, id, bytes + 1L, pipelined ? framing : Ask.Framing.CONTINUE);
      default -> new Ask(HttpMethod.POST, "/load/" + id, id, bytes, framing, bytes / 2, framing);
    };
  }

  /** On one connection, each when the one before is answered. */
  void oneByOne() throws IOException {
    try (ClientConnection connection = connect.apply(false)) {
      for (int i = 0; i < ONE_BY_ONE; i++) {
        Ask ask =
            i == 0 && cell.number() % 3 == 0
                ? Ask.post("/load/large", "large-" + cell.number(), LARGEST_BYTES, largest())
                : next(false);
        connection.ask(ask).answers(ask);
      }
      assertThat(connection.farewell()).isEqualTo(ClientConnection.Farewell.NONE);
    }
  }

  private Ask.Framing largest() {
    return cell.near() ? Ask.Framing.CHUNKED : Ask.Framing.LENGTH;
  }

  /** On one connection, several before the first is answered. */
  void pipelined() throws IOException {
    several(false, PIPELINED, PIPELINE);
  }

  /** Streams of one connection. */
  void multiplexed() throws IOException {
    several(true, MULTIPLEXED, STREAMS);
  }

  private void several(boolean http2, int all, int atOnce) throws IOException {
    try (ClientConnection connection = connect.apply(http2)) {
      for (int done = 0; done < all; done += atOnce) {
        List<Ask> asks = new ArrayList<>();
        List<CompletableFuture<Reply>> replies = new ArrayList<>();
        for (int i = 0; i < atOnce; i++) {
          asks.add(next(!http2));
          replies.add(connection.begin(asks.getLast()));
        }
        for (int i = 0; i < atOnce; i++) {
          ClientConnection.await(replies.get(i)).answers(asks.get(i));
        }
      }
      assertThat(connection.farewell()).isEqualTo(ClientConnection.Farewell.NONE);
    }
  }
}
