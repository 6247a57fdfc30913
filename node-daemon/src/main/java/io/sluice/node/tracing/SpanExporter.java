package io.sluice.node.tracing;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Tracing;
import io.sluice.process.Backoff;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Sends spans to a collector by HTTP/1.1, a batch at a time, by a thread and from the network of
 * its own. The queue between is bounded: while the collector is away, slow or full, spans are
 * dropped and counted, and it is asked again after pauses that grow.
 */
final class SpanExporter implements AutoCloseable {
  /** At some KiB each where strangers choose what they say, and half a KiB else. */
  static final int MOST_WAITING = 2_048;

  private static final int MOST_IN_BATCH = 256;
  private static final Duration GATHERING = Duration.ofMillis(500);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);
  private static final long LOOK_MILLIS = 100;
  private static final int STATUS_OCTETS = 12; // HTTP/1.1 202

  /** OTLP's, of OTLP/HTTP "Retryable Response Codes": what is answered otherwise stays so. */
  private static final Set<Integer> RETRIED = Set.of(429, 502, 503, 504);

  private static final System.Logger LOG = System.getLogger(SpanExporter.class.getName());

  private record Target(Tracing tracing, List<InetSocketAddress> addresses, MeshSnapshot snapshot) {
    static Target of(Tracing tracing, MeshSnapshot snapshot) {
      return new Target(tracing, tracing.collector().addresses(snapshot), snapshot);
    }
  }

  private final BlockingQueue<Span> queue = new ArrayBlockingQueue<>(MOST_WAITING);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Backoff backoff = new Backoff(Backoff.SHORTEST, Backoff.LONGEST); // the thread's
  private final AtomicLong sent;
  private final AtomicLong dropped;
  private final AtomicLong rejected;
  private final Thread thread;
  private volatile Target target;
  private volatile long lastNanos; // once it has ended
  private boolean troubled; // and told of it; the thread's

  private SpanExporter(Target target, AtomicLong sent, AtomicLong dropped, AtomicLong rejected) {
    this.target = target;
    this.sent = sent;
    this.dropped = dropped;
    this.rejected = rejected;
    this.thread = Thread.ofPlatform().daemon().name("sluice-tracing").unstarted(this::run);
  }

  /** Sends from now on, and counts what becomes of spans. */
  static SpanExporter start(
      Tracing tracing,
      MeshSnapshot snapshot,
      AtomicLong sent,
      AtomicLong dropped,
      AtomicLong rejected) {
    SpanExporter started = new SpanExporter(Target.of(tracing, snapshot), sent, dropped, rejected);
    started.thread.start();
    return started;
  }

  /** Of the same node, from now on. */
  void sendTo(Tracing tracing, MeshSnapshot snapshot) {
    target = Target.of(tracing, snapshot);
  }

  /** Of a request that has ended just now; never blocks. */
  void add(RequestRecord request, TraceSpan trace) {
    // Half of it is for what failed: callers decide which of the others are to be told.
    boolean hasRoom = Span.hasFailed(request) || queue.size() < MOST_WAITING / 2;
    if (!hasRoom || !queue.offer(Span.of(target.snapshot(), request, trace))) {
      dropped.incrementAndGet();
    }
  }

  int waiting() {
    return queue.size();
  }

  private void run() {
    List<Span> batch = new ArrayList<>(MOST_IN_BATCH);
    Duration pause = GATHERING;
    boolean last;
    try {
      do {
        last = ended.await(pause.toMillis(), TimeUnit.MILLISECONDS);
        queue.drainTo(batch, MOST_IN_BATCH - batch.size());
        if (!batch.isEmpty() && !reports(batch)) {
          pause = backoff.failed();
        } else {
          pause = queue.size() < MOST_IN_BATCH ? GATHERING : Duration.ZERO;
        }
      } while (!last || (batch.isEmpty() && !queue.isEmpty()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    dropped.addAndGet(batch.size() + (long) queue.size());
  }

  /** Empties the batch, unless it is worth to be sent again. */
  private boolean reports(List<Span> batch) {
    Target to = target;
    try {
      int status = post(to, batch);
      boolean taken = status >= 200 && status < 300;
      if (RETRIED.contains(status)) {
        throw new IOException("it answers " + status);
      }
      (taken ? sent : rejected).addAndGet(batch.size());
      if (taken) {
        troubled = false;
      } else {
        tell(to, "it answers " + status);
      }
      batch.clear();
      backoff.reset();
      return true;
    } catch (IOException | UnsupportedAddressTypeException e) {
      tell(to, e instanceof IOException ? String.valueOf(e.getMessage()) : "no way to its address");
      return false;
    } catch (RuntimeException e) {
      // Top frame of what is sent: without the thread there would be no span any more.
      LOG.log(System.Logger.Level.ERROR, "spans_not_written", e);
      dropped.addAndGet(batch.size());
      batch.clear();
      return true;
    }
  }

  /** Once, until spans are taken again. */
  private void tell(Target to, String why) {
    if (!troubled) {
      troubled = true;
      LOG.log(
          System.Logger.Level.WARNING,
          "spans_not_taken collector={0}: {1}",
          to.tracing().collector().authority(),
          why);
    }
  }

  /** The status that is answered. */
  private int post(Target to, List<Span> batch) throws IOException {
    Tracing tracing = to.tracing();
    boolean zipkin = tracing.protocol() == Tracing.Protocol.ZIPKIN;
    byte[] body = zipkin ? Batches.zipkin(batch) : Batches.otlp(batch);
    String head =
        """
        POST %s HTTP/1.1\r
        Host: %s\r
        User-Agent: sluice\r
        Content-Type: application/%s\r
        Content-Length: %d\r
        Connection: close\r
        \r
        """
            .formatted(
                tracing.endpoint(),
                tracing.collector().authority(),
                zipkin ? "json" : "x-protobuf",
                body.length);
    if (to.addresses().isEmpty()) {
      throw new IOException("no address of it is known");
    }
    int turn = Math.floorMod(backoff.failures(), to.addresses().size());
    return post(to.addresses().get(turn), head.getBytes(StandardCharsets.US_ASCII), body);
  }

  private int post(InetSocketAddress address, byte[] head, byte[] body) throws IOException {
    long deadline = System.nanoTime() + ANSWER_TIMEOUT.toNanos();
    try (SocketChannel channel = SocketChannel.open();
        Selector selector = Selector.open()) {
      channel.configureBlocking(false);
      SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT);
      for (boolean connected = channel.connect(address); !connected; ) {
        await(selector, deadline);
        connected = channel.finishConnect();
      }
      key.interestOps(SelectionKey.OP_WRITE);
      ByteBuffer[] parts = {ByteBuffer.wrap(head), ByteBuffer.wrap(body)};
      while (parts[1].hasRemaining()) {
        if (channel.write(parts) == 0) {
          await(selector, deadline);
        }
      }
      key.interestOps(SelectionKey.OP_READ);
      ByteBuffer answer = ByteBuffer.allocate(STATUS_OCTETS);
      while (answer.hasRemaining()) {
        int octets = channel.read(answer);
        if (octets < 0) {
          throw new EOFException("it ended the connection without an answer");
        }
        if (octets == 0) {
          await(selector, deadline);
        }
      }
      String status = new String(answer.array(), StandardCharsets.ISO_8859_1);
      if (!status.matches("HTTP/1\\.[01] [1-5][0-9]{2}")) {
        throw new IOException("its answer is no HTTP/1.1");
      }
      return Integer.parseInt(status.substring(STATUS_OCTETS - 3));
    }
  }

  private void await(Selector selector, long deadline) throws IOException {
    long now = System.nanoTime();
    if (now - deadline > 0 || (ended.getCount() == 0 && now - lastNanos > 0)) {
      throw new SocketTimeoutException("it does not answer in time");
    }
    selector.select(LOOK_MILLIS);
    selector.selectedKeys().clear();
  }

  /** Sends what waits once more, without waiting for that. */
  void end() {
    end(ANSWER_TIMEOUT);
  }

  private void end(Duration longest) {
    lastNanos = System.nanoTime() + longest.toNanos();
    ended.countDown();
  }

  /** The same, and waits. */
  @Override
  public void close() {
    end(CLOSE_TIMEOUT.dividedBy(2));
    try {
      thread.join(CLOSE_TIMEOUT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
