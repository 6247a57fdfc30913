package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BiFunction;

/** Uploads at once, in every cell, of either version, with and without a length told before. */
final class Uploads implements AutoCloseable {
  private static final int QUIET_MILLIS = 300;

  /** What others send has to arrive before. */
  private static final Duration STANDSTILL_PATIENCE = Duration.ofMinutes(2);

  /** Of all together, on a machine that has other things to do. */
  private static final long LEAST_BYTES_A_SECOND = 32 << 20;

  private final List<ClientConnection> connections = new ArrayList<>();
  private final List<Ask> asks = new ArrayList<>();
  private final List<Future<Reply>> replies = new ArrayList<>();
  private final ExecutorService senders = Executors.newCachedThreadPool();

  /** Begins them, every second one held; {@code connect} is told whether by HTTP/2. */
  Uploads(
      List<Cell> cells,
      BiFunction<Cell, Boolean, ClientConnection> connect,
      String held,
      int count,
      long bytes) {
    for (int i = 0; i < count; i++) {
      boolean http2 = i / cells.size() % 2 == 1;
      boolean chunked = i / (2 * cells.size()) % 2 == 1;
      ClientConnection connection = connect.apply(cells.get(i % cells.size()), http2);
      boolean waits = i / (4 * cells.size()) % 2 == 0;
      Ask ask =
          Ask.post(
              waits ? held : "/load/flowing",
              "upload-" + i,
              bytes,
              chunked ? Ask.Framing.CHUNKED : Ask.Framing.LENGTH);
      connections.add(connection);
      asks.add(ask);
      replies.add(senders.submit(() -> connection.ask(ask)));
    }
  }

  /** How many of them wait for the server to let them go. */
  long held() {
    return asks.stream().filter(ask -> ask.path().equals(EchoServer.HELD)).count();
  }

  /** Returns when nobody can send any more. */
  void awaitStandstill() {
    long all = asks.stream().mapToLong(Ask::bytes).sum();
    Await.until(
        "nothing moves",
        STANDSTILL_PATIENCE.plusSeconds(all / LEAST_BYTES_A_SECOND),
        () -> {
          long before = sent();
          Thread.sleep(QUIET_MILLIS);
          return before > 0 && sent() == before;
        });
  }

  long sent() {
    return connections.stream().mapToLong(ClientConnection::sent).sum();
  }

  boolean areAnswered() {
    return replies.stream().allMatch(Future::isDone);
  }

  /** Each is answered, and has arrived octet for octet. */
  void check() throws Exception {
    List<String> failures = new ArrayList<>();
    for (int i = 0; i < asks.size(); i++) {
      try {
        replies.get(i).get().answers(asks.get(i));
      } catch (ExecutionException e) {
        failures.add(i + " " + connections.get(i).farewell() + ": " + e.getCause());
      }
    }
    assertThat(failures).isEmpty();
  }

  @Override
  public void close() {
    connections.forEach(ClientConnection::close);
    senders.shutdownNow();
  }
}
