package io.sluice.scenario;

import io.netty.channel.EventLoopGroup;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A client that asks again and again over a connection that it keeps, by turns without and with a
 * content, and opens another one when it is told to.
 */
final class HttpCallers implements AutoCloseable {
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(32);
  private static final int BYTES = 3_000;

  private final AtomicLong answered = new AtomicLong();
  private final List<String> failed = new CopyOnWriteArrayList<>();
  private final Map<ClientConnection.Farewell, Integer> farewells =
      new EnumMap<>(ClientConnection.Farewell.class); // the thread's until it has ended
  private final Thread thread;
  private volatile boolean ending;

  HttpCallers(
      EventLoopGroup group, SitePod from, InetSocketAddress to, boolean http2, String name) {
    thread =
        Thread.ofPlatform()
            .name("caller-" + name)
            .start(() -> {
              while (!ending) {
                converse(group, from, to, http2, name);
              }
            });
  }

  private void converse(
      EventLoopGroup group, SitePod from, InetSocketAddress to, boolean http2, String name) {
    String id = name;
    try (ClientConnection connection = ClientConnection.open(group, from, to, http2)) {
      while (!ending && connection.farewell() == ClientConnection.Farewell.NONE) {
        id = name + "-" + answered.get();
        Ask ask =
            answered.get() % 2 == 0
                ? Ask.get("/load/steady", id, BYTES)
                : Ask.post("/load/steady", id, BYTES, Ask.Framing.CHUNKED);
        connection.ask(ask).answers(ask);
        answered.incrementAndGet();
        LockSupport.parkNanos(PAUSE_NANOS);
      }
      farewells.merge(connection.farewell(), 1, Integer::sum);
    } catch (IOException | RuntimeException | AssertionError e) {
      if (!String.valueOf(e.getMessage()).contains(ClientConnection.UNTOUCHED)) {
        failed.add(id + ": " + e);
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  long answered() {
    return answered.get();
  }

  List<String> failed() {
    return failed;
  }

  /** How its connections were ended, once it is closed; none of the last one. */
  Map<ClientConnection.Farewell, Integer> farewells() {
    return farewells;
  }

  @Override
  public void close() {
    ending = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
