package io.sluice.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * The clients of one side: each is a thread that stays inside the namespace while it works, so that
 * entering costs nothing per connection.
 */
final class LoadClient {
  private static final int REQUEST_BYTES = 64;

  /** Before the first paced request: connections are not part of it. */
  private static final long SETTLING_NANOS = 50_000_000;

  /** One client's work between start and end; gives what it counted. */
  private interface Work {
    Count run(SocketSource sockets, long deadlineNanos) throws IOException;
  }

  private interface SocketSource {
    SocketChannel connect(int port) throws IOException;
  }

  private record Count(long operations, Latencies latencies) {}

  private final LoadPath path;

  LoadClient(LoadPath path) {
    this.path = path;
  }

  /** Connects, one byte each way, closes; as often as {@code time} allows. */
  Sample connections(int clients, Duration time) throws Exception {
    return run(
        clients,
        time,
        (sockets, deadline) -> {
          ByteBuffer one = ByteBuffer.allocateDirect(1);
          Latencies latencies = new Latencies();
          do {
            long begin = System.nanoTime();
            try (SocketChannel connection = sockets.connect(LoadServer.ONE_BYTE_PORT)) {
              exchange(connection, one.clear());
            }
            latencies.add(System.nanoTime() - begin);
          } while (System.nanoTime() - deadline < 0);
          return new Count(latencies.size(), latencies);
        });
  }

  /** 64 bytes there and back, one request at a time on each connection. */
  Sample requests(int clients, Duration time) throws Exception {
    return run(
        clients,
        time,
        (sockets, deadline) -> {
          ByteBuffer message = ByteBuffer.allocateDirect(REQUEST_BYTES);
          Latencies latencies = new Latencies();
          try (SocketChannel connection = sockets.connect(LoadServer.ECHO_PORT)) {
            for (long now = System.nanoTime(); now - deadline < 0; ) {
              exchange(connection, message.clear());
              long end = System.nanoTime();
              latencies.add(end - now);
              now = end;
            }
          }
          return new Count(latencies.size(), latencies);
        });
  }

  /**
   * The same at a fixed rate over all clients, whatever the answers take: a request that is due
   * while its connection still waits counts from when it was due.
   */
  Sample paced(int clients, int perSecond, Duration time) throws Exception {
    long interval = 1_000_000_000L * clients / perSecond;
    return run(
        clients,
        time,
        (sockets, deadline) -> {
          ByteBuffer message = ByteBuffer.allocateDirect(REQUEST_BYTES);
          Latencies latencies = new Latencies();
          try (SocketChannel connection = sockets.connect(LoadServer.ECHO_PORT)) {
            // Spread over the interval: clients that start together would ask together for ever.
            long due =
                System.nanoTime() + ThreadLocalRandom.current().nextLong(interval) + SETTLING_NANOS;
            for (; due - deadline < 0; due += interval) {
              long now = System.nanoTime();
              long begin = due;
              while (now - due < 0) {
                LockSupport.parkNanos(due - now);
                now = System.nanoTime();
                begin = now;
              }
              exchange(connection, message.clear());
              latencies.add(System.nanoTime() - begin);
            }
          }
          return new Count(latencies.size(), latencies);
        });
  }

  /** Sends {@code bytes} on each of the streams and waits until they were read. */
  Sample upload(int streams, long bytes) throws Exception {
    return run(
        streams,
        Duration.ZERO,
        (sockets, deadline) -> {
          ByteBuffer bulk = ByteBuffer.allocateDirect(LoadServer.BULK_BYTES);
          try (SocketChannel connection = sockets.connect(LoadServer.SINK_PORT)) {
            for (long left = bytes; left > 0; ) {
              bulk.clear().limit((int) Math.min(LoadServer.BULK_BYTES, left));
              left -= connection.write(bulk);
            }
            connection.shutdownOutput();
            readFully(connection, bulk.clear().limit(1));
          }
          return new Count(bytes, new Latencies());
        });
  }

  /** Receives {@code bytes} on each of the streams. */
  Sample download(int streams, long bytes) throws Exception {
    return run(
        streams,
        Duration.ZERO,
        (sockets, deadline) -> {
          ByteBuffer bulk = ByteBuffer.allocateDirect(LoadServer.BULK_BYTES);
          try (SocketChannel connection = sockets.connect(LoadServer.SOURCE_PORT)) {
            connection.write(bulk.putLong(bytes).flip());
            for (long left = bytes; left > 0; ) {
              int read = connection.read(bulk.clear());
              if (read < 0) {
                throw new EOFException(left + " bytes did not arrive");
              }
              left -= read;
            }
          }
          return new Count(bytes, new Latencies());
        });
  }

  /** Opens connections that carried one byte each way; the caller closes them. */
  List<SocketChannel> hold(int connections) throws Exception {
    return LoadPath.inside(
        path.client(),
        () -> {
          List<SocketChannel> held = new ArrayList<>();
          for (int i = 0; i < connections; i++) {
            try {
              SocketChannel connection = connect(LoadServer.HOLD_PORT);
              held.add(connection);
              exchange(connection, ByteBuffer.allocate(1));
            } catch (IOException e) {
              throw new IOException(
                  path.name() + " path, with " + i + " connections held: " + e.getMessage(), e);
            }
          }
          return held;
        });
  }

  private Sample run(int clients, Duration time, Work work) throws Exception {
    CountDownLatch ready = new CountDownLatch(clients);
    CountDownLatch go = new CountDownLatch(1);
    List<FutureTask<Count>> tasks = new ArrayList<>();
    for (int i = 0; i < clients; i++) {
      FutureTask<Count> task =
          new FutureTask<>(() ->
              LoadPath.inside(
                  path.client(),
                  () -> {
                    ready.countDown();
                    go.await();
                    return work.run(this::connect, System.nanoTime() + time.toNanos());
                  }));
      tasks.add(task);
      Thread.ofPlatform().daemon().name("load-client-" + i).start(task);
    }
    ready.await();
    long begin = System.nanoTime();
    go.countDown();
    long operations = 0;
    Latencies all = new Latencies();
    for (FutureTask<Count> task : tasks) {
      try {
        Count count = task.get();
        operations += count.operations();
        all.addAll(count.latencies());
      } catch (ExecutionException e) {
        throw new IOException(path.name() + " path: " + e.getCause(), e.getCause());
      }
    }
    return Sample.of(operations, System.nanoTime() - begin, all);
  }

  private SocketChannel connect(int port) throws IOException {
    SocketChannel connection = SocketChannel.open(StandardProtocolFamily.INET);
    try {
      connection.setOption(StandardSocketOptions.TCP_NODELAY, true);
      connection.connect(new InetSocketAddress(path.target(), port + path.portOffset()));
      return connection;
    } catch (IOException e) {
      connection.close();
      throw e;
    }
  }

  private static void exchange(SocketChannel connection, ByteBuffer message) throws IOException {
    connection.write(message);
    readFully(connection, message.clear());
  }

  private static void readFully(SocketChannel connection, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (connection.read(into) < 0) {
        throw new EOFException("the other end closed before it had answered");
      }
    }
  }
}
