package io.sluice.node.export;

import io.sluice.mesh.NamedServer;
import io.sluice.process.Backoff;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.UnsupportedAddressTypeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Sends what it is given to a collector, a batch at a time, by a thread of its own and from the
 * node's network. The queue between is bounded: while the collector is away, slow or full, what is
 * too much is dropped and counted, and it is asked again after pauses that grow.
 *
 * @param <T> what it is given
 */
public final class Exporter<T> implements AutoCloseable {
  /** In the queue: of some KiB each where strangers choose what they say, else of half a KiB. */
  public static final int MOST_WAITING = 2_048;

  /** Over all of one kind. */
  private static final int MOST_WAITING_TOGETHER = 2 * MOST_WAITING;

  /** Answers that some of it is for later, after which it is not. */
  private static final int MOST_REFUSALS = 3;

  private static final Duration GATHERING = Duration.ofMillis(500);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

  private final BlockingQueue<T> queue = new ArrayBlockingQueue<>(MOST_WAITING);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Backoff backoff = new Backoff(Backoff.SHORTEST, Backoff.LONGEST); // the thread's
  private final Kind kind;
  private final Thread thread;
  private volatile Target<T> target;
  private volatile long lastNanos; // once it is to end
  private volatile boolean hasEnded; // and takes nothing out of the queue any more
  private boolean troubled; // and told of it; the thread's
  private int refusals; // of what is sent next; the thread's

  /**
   * Where it goes, and as what.
   *
   * @param <T> what is told
   */
  public interface Target<T> {
    /** As objects name it. */
    NamedServer server();

    /** Where it may be asked now. */
    List<InetSocketAddress> addresses();

    /** For which a connection is waited for. */
    Duration connectTimeout();

    /** What it is sent of the batch now. */
    Part call(List<T> batch) throws IOException;
  }

  /**
   * As much of a batch as goes at once.
   *
   * @param count how many of it, from the first one on; one at least
   */
  public record Part(Delivery.Call call, int count) {}

  /** What became of all that exporters of one kind were given. */
  public static final class Counts {
    final AtomicLong sent = new AtomicLong();
    final AtomicLong dropped = new AtomicLong();
    final AtomicLong rejected = new AtomicLong();
    final AtomicInteger waiting = new AtomicInteger();

    /** Taken by a collector. */
    public long sent() {
      return sent.get();
    }

    /** More than may wait, or never sent. */
    public long dropped() {
      return dropped.get();
    }

    /** Not taken by a collector, which would not take it later either. */
    public long rejected() {
      return rejected.get();
    }

    /** How many there are to be sent. */
    public int waiting() {
      return waiting.get();
    }

    /** One was not given to any. */
    public void drop() {
      dropped.incrementAndGet();
    }
  }

  /**
   * What exporters have in common.
   *
   * @param thread name of each one's
   * @param notTaken hears of the collector and why it takes nothing, once until it takes something
   * @param notWritten hears of a mistake of the daemon's own
   * @param mostInBatch how much of what they are given is sent at once
   */
  public record Kind(
      String thread,
      BiConsumer<String, String> notTaken,
      Consumer<RuntimeException> notWritten,
      int mostInBatch,
      Counts counts) {}

  private Exporter(Kind kind, Target<T> target) {
    this.kind = kind;
    this.target = target;
    this.thread = Thread.ofPlatform().daemon().name(kind.thread()).unstarted(this::run);
  }

  /** Sends from now on. */
  public static <T> Exporter<T> start(Kind kind, Target<T> target) {
    Exporter<T> started = new Exporter<>(kind, target);
    started.thread.start();
    return started;
  }

  /** From now on, what waits too. */
  public void sendTo(Target<T> other) {
    target = other;
  }

  /**
   * Never blocks; any thread. No more waits here than there is room left for all together, so that
   * others have some too, however many collectors hang.
   */
  public void add(T one) {
    Counts counts = kind.counts();
    if (queue.size() < MOST_WAITING_TOGETHER - counts.waiting() && queue.offer(one)) {
      counts.waiting.incrementAndGet();
    } else {
      counts.drop();
    }
    if (hasEnded) { // who writes by an older snapshot comes after its thread
      dropWaiting();
    }
  }

  private void dropWaiting() {
    List<T> left = new ArrayList<>();
    take(left, Integer.MAX_VALUE);
    kind.counts().dropped.addAndGet(left.size());
  }

  /** How many there are to be sent. */
  public int waiting() {
    return queue.size();
  }

  private void run() {
    List<T> batch = new ArrayList<>(kind.mostInBatch());
    Duration pause = GATHERING;
    boolean last;
    boolean reports;
    try {
      do {
        last = ended.await(pause.toMillis(), TimeUnit.MILLISECONDS);
        take(batch, kind.mostInBatch() - batch.size());
        reports = batch.isEmpty() || reports(batch);
        if (!reports) {
          pause = backoff.failed();
        } else {
          boolean isLittle = batch.isEmpty() && queue.size() < kind.mostInBatch();
          pause = isLittle ? GATHERING : Duration.ZERO;
        }
      } while (!last || (reports && !(batch.isEmpty() && queue.isEmpty())));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    kind.counts().dropped.addAndGet(batch.size());
    hasEnded = true;
    dropWaiting();
  }

  private void take(List<T> batch, int most) {
    kind.counts().waiting.addAndGet(-queue.drainTo(batch, most));
  }

  /**
   * Takes what it has sent out of the batch, unless it is worth to be sent again: a collector that
   * has no room for it, and never will, is sent what comes behind it. Returns whether it takes
   * anything now.
   */
  private boolean reports(List<T> batch) {
    Target<T> to = target;
    try {
      Part part = to.call(batch);
      Delivery.Answer answer = send(to, part.call());
      boolean isForLater = !answer.isTaken() && answer.isForLater();
      if (isForLater && ++refusals < MOST_REFUSALS) {
        throw new IOException(answer.text());
      }
      (answer.isTaken() ? kind.counts().sent : kind.counts().rejected).addAndGet(part.count());
      if (answer.isTaken()) {
        troubled = false;
      } else {
        tell(to, answer.text());
      }
      batch.subList(0, part.count()).clear();
      refusals = 0;
      if (!isForLater) {
        backoff.reset();
      }
      return !isForLater;
    } catch (IOException | UnsupportedAddressTypeException e) {
      tell(to, e instanceof IOException ? String.valueOf(e.getMessage()) : "no way to its address");
      return false;
    } catch (RuntimeException e) {
      // Top frame of what is sent: without the thread there would be nothing any more.
      kind.notWritten().accept(e);
      kind.counts().dropped.addAndGet(batch.size());
      batch.clear();
      return true;
    }
  }

  private void tell(Target<T> to, String why) {
    if (!troubled) {
      troubled = true;
      kind.notTaken().accept(to.server().authority(), why);
    }
  }

  private Delivery.Answer send(Target<T> to, Delivery.Call call) throws IOException {
    if (to.addresses().isEmpty()) {
      throw new IOException("no address of it is known");
    }
    int turn = Math.floorMod(backoff.failures(), to.addresses().size());
    return Delivery.send(
        call,
        to.addresses().get(turn),
        to.server().authority(),
        to.connectTimeout(),
        ANSWER_TIMEOUT,
        () -> ended.getCount() == 0 && System.nanoTime() - lastNanos > 0);
  }

  /** Sends what waits once more, without waiting for that. */
  public void end() {
    end(ANSWER_TIMEOUT);
  }

  private void end(Duration longest) {
    lastNanos = System.nanoTime() + longest.toNanos();
    ended.countDown();
  }

  /** The same, and waits. */
  @Override
  public void close() {
    close(List.of(this));
  }

  /** All at once, for two seconds at most. */
  public static <T> void close(Collection<Exporter<T>> exporters) {
    long deadline = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
    exporters.forEach(each -> each.end(CLOSE_TIMEOUT.dividedBy(2)));
    try {
      for (Exporter<T> each : exporters) {
        each.thread.join(Duration.ofNanos(deadline - System.nanoTime()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
