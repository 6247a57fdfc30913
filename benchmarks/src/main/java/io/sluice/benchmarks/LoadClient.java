package io.sluice.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The clients of one side: each is a thread that stays inside the namespace while it works, so that
 * entering costs nothing per connection.
 */
final class LoadClient {
  /** So many connections of the flood are always being opened. */
  private static final int FLOOD_CLIENTS = 64;

  /** The queues of a flood are as long as they get by then. */
  private static final Duration FLOOD_BEFORE = Duration.ofMillis(300);

  /** From the start to the first request that is due: every client is awake by then. */
  private static final long SETTLING_NANOS = 100_000_000;

  /** The kernel otherwise ends the sleep of an ordinary thread up to 50 µs late. */
  private static final String SHORTEST_TIMER_SLACK = "1";

  /** One client's work; gives what it counted. */
  private interface Work {
    Count run(Start start) throws Exception;
  }

  private record Count(long operations, Latencies latencies) {}

  /**
   * What clients of one sample have in common.
   *
   * @param ready counted down by each that is
   * @param go opened when all are
   */
  private record Start(
      int client, Duration time, CountDownLatch ready, CountDownLatch go, AtomicLong beginNanos) {
    /** Waits until all clients are ready; gives when the sample began. */
    long await() throws InterruptedException {
      ready.countDown();
      go.await();
      return beginNanos.get();
    }

    /** The same; gives when it will end. */
    long awaitDeadline() throws InterruptedException {
      return await() + time.toNanos();
    }
  }

  private final LoadPath path;
  private final LoadPath neighbours;
  private final ProcessUse hops;
  private boolean passesHopsBy;

  /**
   * Without a neighbour.
   *
   * @param hops whose CPU time is told beside that of the machine
   */
  LoadClient(LoadPath path, ProcessUse hops) {
    this(path, path, hops);
  }

  /**
   * @param neighbours from another pod to the same server
   * @param hops whose CPU time is told beside that of the machine
   */
  LoadClient(LoadPath path, LoadPath neighbours, ProcessUse hops) {
    this.path = path;
    this.neighbours = neighbours;
    this.hops = hops;
  }

  /** Of the path. */
  String name() {
    return path.name();
  }

  /** On the path. */
  ProcessUse hops() {
    return hops;
  }

  /** The kernel leads it: that hops have nothing to do is as it should be. */
  void passHopsBy() {
    passesHopsBy = true;
  }

  boolean passesHopsBy() {
    return passesHopsBy;
  }

  /** Connects, talks once, closes; as often as {@code time} allows. */
  Sample connections(Talk talk, int clients, Duration time) throws Exception {
    return run(
        clients,
        time,
        start -> {
          Talk.Exchange exchange = talk.begin();
          Latencies latencies = new Latencies();
          long deadline = start.awaitDeadline();
          do {
            long begin = System.nanoTime();
            try (SocketChannel connection = connect(talk.port())) {
              exchange.run(connection);
            }
            latencies.add(System.nanoTime() - begin);
          } while (System.nanoTime() - deadline < 0);
          return new Count(latencies.size(), latencies);
        });
  }

  /** One at a time on each connection. */
  Sample requests(Talk talk, int clients, Duration time) throws Exception {
    return run(
        clients,
        time,
        start -> {
          Talk.Exchange exchange = talk.begin();
          Latencies latencies = new Latencies();
          try (SocketChannel connection = connect(talk.port())) {
            exchange.run(connection); // a proxy may have begun only what a connection costs it
            long deadline = start.awaitDeadline();
            for (long now = System.nanoTime(); now - deadline < 0; ) {
              exchange.run(connection);
              long end = System.nanoTime();
              latencies.add(end - now);
              now = end;
            }
          }
          return new Count(latencies.size(), latencies);
        });
  }

  /** The same, but due at fixed times, {@code perSecond} over all clients. */
  Sample paced(Talk talk, int clients, int perSecond, Duration time) throws Exception {
    return run(
        clients,
        time,
        start -> {
          Talk.Exchange exchange = talk.begin();
          sleepPrecisely();
          try (SocketChannel connection = connect(talk.port())) {
            exchange.run(connection);
            long begin = start.await() + SETTLING_NANOS;
            Latencies latencies =
                OpenLoop.of(start.client(), clients, perSecond, begin)
                    .run(new SystemClock(), begin + time.toNanos(), () -> exchange.run(connection));
            return new Count(latencies.size(), latencies);
          }
        });
  }

  /** Paced bytes, while clients of another pod connect to the server as fast as they can. */
  Sample flooded(int clients, int perSecond, Duration time) throws Exception {
    LoadClient flood = new LoadClient(neighbours, ProcessUse.NONE);
    FutureTask<Sample> flooding =
        new FutureTask<>(() ->
            flood.connections(Talk.BYTE, FLOOD_CLIENTS, time.plus(FLOOD_BEFORE.multipliedBy(2))));
    Thread.ofPlatform().daemon().name("load-flood").start(flooding);
    Thread.sleep(FLOOD_BEFORE);
    Sample sample = paced(Talk.BYTES, clients, perSecond, time);
    flooding.get();
    return sample;
  }

  private static final class SystemClock implements OpenLoop.Clock {
    @Override
    public long nanos() {
      return System.nanoTime();
    }

    @Override
    public void awaitNanos(long due) {
      for (long left = due - nanos(); left > 0; left = due - nanos()) {
        LockSupport.parkNanos(left);
      }
    }
  }

  /** Of the calling thread. */
  private static void sleepPrecisely() throws IOException {
    String thread = Path.of("/proc/thread-self").toRealPath().getFileName().toString();
    Files.writeString(Path.of("/proc", thread, "timerslack_ns"), SHORTEST_TIMER_SLACK);
  }

  /**
   * Sends whole chunks on each of the streams and waits until everything was read. A single one is
   * kept on the clients' half of the processors.
   */
  Sample upload(int streams, Duration time) throws Exception {
    boolean isKept = streams == 1;
    return run(
        streams,
        time,
        start -> {
          ByteBuffer bulk = ByteBuffer.allocateDirect(LoadServer.BULK_BYTES);
          int chunks = 0;
          try (Half.Kept _ = isKept ? Half.OF_CLIENTS.keep() : () -> {};
              SocketChannel connection =
                  connect(isKept ? LoadServer.SINK_PORT : LoadServer.MANY_SINKS_PORT)) {
            writeChunk(connection, bulk); // before the first a proxy may still be connecting
            readFully(connection, ByteBuffer.allocate(1));
            long deadline = start.awaitDeadline();
            do {
              writeChunk(connection, bulk);
              chunks++;
            } while (System.nanoTime() - deadline < 0);
            readFully(connection, ByteBuffer.allocate(chunks));
          }
          return new Count(chunks * LoadServer.CHUNK_BYTES, new Latencies());
        });
  }

  private static void writeChunk(SocketChannel connection, ByteBuffer bulk) throws IOException {
    for (long left = LoadServer.CHUNK_BYTES; left > 0; ) {
      bulk.clear().limit((int) Math.min(LoadServer.BULK_BYTES, left));
      left -= connection.write(bulk);
    }
  }

  /**
   * Receives whole chunks, on the clients' half of the processors; two are asked for at any time,
   * so none waits.
   */
  Sample download(Duration time) throws Exception {
    return run(
        1,
        time,
        start -> {
          ByteBuffer bulk = ByteBuffer.allocateDirect(LoadServer.BULK_BYTES);
          long received = 0;
          try (Half.Kept _ = Half.OF_CLIENTS.keep();
              SocketChannel connection = connect(LoadServer.SOURCE_PORT)) {
            for (long left = ask(connection); left > 0; ) { // as for an upload
              left -= readSome(connection, bulk);
            }
            long deadline = start.awaitDeadline();
            long asked = ask(connection) + ask(connection);
            while (received < asked) {
              received += readSome(connection, bulk);
              if (asked - received <= LoadServer.CHUNK_BYTES && System.nanoTime() - deadline < 0) {
                asked += ask(connection);
              }
            }
          }
          return new Count(received, new Latencies());
        });
  }

  private static int readSome(SocketChannel connection, ByteBuffer bulk) throws IOException {
    int read = connection.read(bulk.clear());
    if (read < 0) {
      throw new EOFException("the other end closed in the midst of a chunk");
    }
    return read;
  }

  /** Asks a source for the next bytes; gives how many. */
  private static long ask(SocketChannel connection) throws IOException {
    connection.write(ByteBuffer.allocate(Long.BYTES).putLong(LoadServer.CHUNK_BYTES).flip());
    return LoadServer.CHUNK_BYTES;
  }

  /** One whole chunk in each message of HTTP, one message after the other. */
  Sample chunks(Talk talk, Duration time) throws Exception {
    return run(
        1,
        time,
        start -> {
          Talk.Exchange exchange = talk.begin();
          long bytes = 0;
          try (SocketChannel connection = connect(talk.port())) {
            exchange.run(connection);
            long deadline = start.awaitDeadline();
            do {
              exchange.run(connection);
              bytes += LoadServer.CHUNK_BYTES;
            } while (System.nanoTime() - deadline < 0);
          }
          return new Count(bytes, new Latencies());
        });
  }

  /**
   * Checks that a way decides requests or, where it is not to, that it takes them for bytes.
   *
   * @throws IOException if what no policy grants is answered, or refused where bytes are granted
   */
  void requireDecisions(boolean byRequest) throws Exception {
    String status =
        LoadPath.inside(
            path.client(),
            () -> {
              try (SocketChannel connection = connect(Talk.GET.port())) {
                return Talk.statusOf(connection, LoadServer.FORBIDDEN_ITEM);
              }
            });
    if (!status.equals(byRequest ? "403" : "200")) {
      throw new IOException(
          path.name() + " path: " + LoadServer.FORBIDDEN_ITEM + " is answered " + status);
    }
  }

  /** Opens connections on which nothing happens after the first talk; the caller closes them. */
  List<SocketChannel> hold(Talk talk, int connections) throws Exception {
    return LoadPath.inside(
        path.client(),
        () -> {
          List<SocketChannel> held = new ArrayList<>();
          Talk.Exchange exchange = talk.begin();
          for (int i = 0; i < connections; i++) {
            try {
              SocketChannel connection = connect(talk.port());
              held.add(connection);
              exchange.run(connection);
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
    AtomicLong beginNanos = new AtomicLong();
    List<FutureTask<Count>> tasks = new ArrayList<>();
    for (int i = 0; i < clients; i++) {
      Start start = new Start(i, time, ready, go, beginNanos);
      FutureTask<Count> task = new FutureTask<>(() -> inside(work, start));
      tasks.add(task);
      Thread.ofPlatform().daemon().name("load-client-" + i).start(task);
    }
    ready.await();
    Sample.CpuTime before = Sample.CpuTime.now(hops);
    long begin = System.nanoTime();
    beginNanos.set(begin);
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
    long nanos = System.nanoTime() - begin;
    return Sample.of(operations, nanos, all, Sample.CpuTime.now(hops).since(before));
  }

  private Count inside(Work work, Start start) throws Exception {
    try {
      return LoadPath.inside(path.client(), () -> work.run(start));
    } finally {
      start.ready().countDown(); // one that fails before it is ready must not let the others wait
    }
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

  private static void readFully(SocketChannel connection, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (connection.read(into) < 0) {
        throw new EOFException("the other end closed before it had answered");
      }
    }
  }
}
