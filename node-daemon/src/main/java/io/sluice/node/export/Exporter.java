package io.sluice.node.export;

import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Reporting;
import io.sluice.process.Backoff;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Sends what it is given to a collector, a batch at a time, by a thread of its own and from the
 * node's network. What waits is bounded: while the collector is away, slow or full, what is too
 * much is dropped and counted, and it is asked again after pauses that grow.
 */
public final class Exporter implements AutoCloseable {
  /** For one collector. */
  public static final int MOST_WAITING = 2_048;

  /** Of those: half a KiB to one each, but where strangers choose what they say. */
  private static final int MOST_OCTETS_WAITING = 2 * 1_024 * 1_024;

  /** Over all of one kind. */
  private static final int MOST_WAITING_TOGETHER = 2 * MOST_WAITING;

  private static final int MOST_OCTETS_TOGETHER = 2 * MOST_OCTETS_WAITING;

  /** What has more is written even where there may be no room for it, and then left out. */
  private static final int LONG_OCTETS = 32 * 1_024;

  /** Of one batch, but where a single one has more; with what is written around them 256 KiB. */
  private static final int MOST_OCTETS_IN_BATCH = 255 * 1_024;

  /** Of a batch that gets no answer, or is for later. */
  private static final int MOST_TRIES = 3;

  private static final Duration GATHERING = Duration.ofMillis(500);
  private static final Duration IDLE = Duration.ofSeconds(30);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration BETWEEN_TOLD = Duration.ofMinutes(1);
  private static final int GROWTH_DIVISOR = 8; // of batches, after one was too large
  private static final Duration BUDGET_PAUSE = Duration.ofSeconds(5);

  /** Octets of heads and of an answer; and as many again of a handshake. */
  private static final int FORESEEN = Connection.MOST_ANSWER_OCTETS;

  private final Kind kind;
  private final Waiting waiting;
  private final Thread thread;
  private final AtomicLong unwrittenToldNanos =
      new AtomicLong(System.nanoTime() - BETWEEN_TOLD.toNanos());
  private volatile Target target; // written under this

  // The thread's:
  private final Backoff backoff = new Backoff(Backoff.SHORTEST, Backoff.LONGEST);
  private final Delivery delivery;
  private Target asked; // of which all below is true
  private int most; // in a batch
  private int tries; // of the oldest
  private int tried; // how many of the oldest that were
  private long taken; // of the budget, for what is sent now
  private int turn; // which of its addresses is asked: the next one after each failure
  private boolean isTold; // that it takes nothing
  private long partlyToldNanos;

  /** Where it goes, and as what. */
  public interface Target {
    /** As objects name it. */
    NamedServer server();

    /** Where it may be asked now. */
    List<InetSocketAddress> addresses();

    /** For which a connection is waited for. */
    Duration connectTimeout();

    /** As what it is sent a batch. */
    Delivery.Call call(Batch batch);

    /** Whether the mesh's own settings name it, and not those of a namespace alone. */
    default boolean isOfMesh() {
      return true;
    }

    /** Whether it takes what is compressed by gzip, as OTLP has it. */
    default boolean takesGzip() {
      return true;
    }

    /** Whether it is asked as that one is: a pause that one has asked for holds for this too. */
    default boolean isSameAs(Target other) {
      return server().equals(other.server());
    }
  }

  /**
   * What exporters have in common.
   *
   * @param thread name of each one's
   * @param notTaken hears of the collector and why it takes nothing, once until it takes something,
   *     and each minute at most why it does not take all
   * @param notWritten hears of a mistake of the daemon's own
   * @param mostInBatch how much of what they are given is sent at once
   * @param budget of all that the node sends
   */
  public record Kind(
      String thread,
      BiConsumer<String, String> notTaken,
      Consumer<RuntimeException> notWritten,
      int mostInBatch,
      Counts counts,
      Budget budget) {}

  private Exporter(Kind kind, Target target, Duration gathering, Duration idle) {
    this.kind = kind;
    this.target = target;
    this.asked = target;
    this.most = kind.mostInBatch();
    this.waiting = new Waiting(gathering);
    this.delivery = new Delivery(idle);
    this.partlyToldNanos = System.nanoTime() - BETWEEN_TOLD.toNanos();
    this.thread = Thread.ofPlatform().daemon().name(kind.thread()).unstarted(this::run);
  }

  /** Sends from now on. */
  public static Exporter start(Kind kind, Target target) {
    return start(kind, target, GATHERING, IDLE);
  }

  /**
   * The same.
   *
   * @param gathering for which what does not make a batch waits for more
   * @param idle for which a connection is kept that nothing goes by
   */
  static Exporter start(Kind kind, Target target, Duration gathering, Duration idle) {
    Exporter started = new Exporter(kind, target, gathering, idle);
    started.thread.start();
    return started;
  }

  /** From now on, what waits too; a pause that another collector has asked for is over. */
  public synchronized void sendTo(Target other) {
    boolean isAnother = !other.isSameAs(target);
    target = other;
    waiting.wake(isAnother);
  }

  /**
   * The first of these octets, which are copied: one span or line. Never blocks; any thread. No
   * more waits here than there is room left for all together, so that others have some too, however
   * many collectors hang.
   *
   * @param source whose it is: the same text each time, for that is kept as it is
   */
  public void add(byte[] octets, int length, String source) {
    Counts counts = kind.counts();
    long room = Math.min(MOST_WAITING, MOST_WAITING_TOGETHER - counts.waiting());
    counts.add();
    long octetsRoom = Math.min(MOST_OCTETS_WAITING, MOST_OCTETS_TOGETHER - counts.octets());
    if (waiting.add(octets, length, source, room, octetsRoom)) {
      counts.addOctets(length);
    } else {
      drop();
    }
  }

  /** One is not even made, where there is no room for it. */
  public void leaveOut() {
    kind.counts().add();
    drop();
  }

  /** One could not be written, which is told once a minute at most; any thread. */
  public void leaveOut(RuntimeException why) {
    leaveOut();
    long now = System.nanoTime();
    long last = unwrittenToldNanos.get();
    if (now - last >= BETWEEN_TOLD.toNanos() && unwrittenToldNanos.compareAndSet(last, now)) {
      kind.notWritten().accept(why);
    }
  }

  private void drop() {
    if (kind.budget().isSpent()) {
      kind.counts().dropOverBudget();
    } else {
      kind.counts().drop(1);
    }
  }

  /** Whether one more may wait, unless it is long: else it need not be written. */
  public boolean hasRoom() {
    return waiting.size() < MOST_WAITING
        && waiting.octets() < MOST_OCTETS_WAITING - LONG_OCTETS
        && kind.counts().octets() < MOST_OCTETS_TOGETHER - LONG_OCTETS;
  }

  /** Whether half of the room is taken, which is what may be where callers decide how much is. */
  public boolean isHalfFull() {
    return waiting.size() >= MOST_WAITING / 2
        || waiting.octets() >= (MOST_OCTETS_WAITING - LONG_OCTETS) / 2;
  }

  private void run() {
    try {
      while (!waiting.isOver()) {
        if (waiting.await(most, delivery.tidyAtNanos())) {
          deliver();
        } else {
          delivery.tidy(target.addresses());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally { // an Error too: nobody is to wait for who is no more
      kind.budget().leave(this);
    }
    delivery.close();
    Batch left = waiting.close();
    kind.counts().addOctets(-left.octets());
    kind.counts().drop(left.count());
  }

  private void deliver() {
    Target to = target;
    if (!to.isSameAs(asked)) {
      asked = to;
      most = kind.mostInBatch();
      tries = 0;
      isTold = false;
      backoff.reset();
    }
    // What is sent again is what was: what has come meanwhile has its own tries.
    Batch batch = waiting.oldest(tries == 0 ? most : tried, MOST_OCTETS_IN_BATCH);
    Answer answer;
    try {
      Delivery.Call call = to.call(batch);
      if (kind.budget().perDay() != Reporting.NO_BUDGET && to.takesGzip()) {
        call = call.compressed();
      }
      if (!mayGo(to, call, batch.count())) {
        return;
      }
      answer = send(to, call);
    } catch (RuntimeException e) {
      // Top frame of what is sent: without the thread there would be nothing any more.
      delivery.close();
      kind.budget().leave(this);
      kind.counts().drop(batch.count());
      end(batch.count());
      kind.notWritten().accept(e);
      return;
    }
    settle(to, batch.count(), answer);
  }

  /** Whether it goes now: else it waits for the budget, or goes in smaller parts, or never. */
  private boolean mayGo(Target to, Delivery.Call call, int count) {
    int octets = call.body().length;
    if (octets > kind.budget().mostAtOnce()) {
      if (count > 1) {
        most = count / 2;
        tries = 0;
      } else {
        kind.budget().leave(this);
        kind.counts().dropOverBudget();
        end(1);
      }
      return false;
    }
    int foreseen = to.server().tlsOrNull() == null ? FORESEEN : 2 * FORESEEN;
    taken = kind.budget().take(this, to.isOfMesh(), octets + foreseen);
    if (taken == Budget.REFUSED) {
      pause(to, BUDGET_PAUSE, false);
    }
    return taken != Budget.REFUSED;
  }

  private Answer send(Target to, Delivery.Call call) {
    try {
      return sent(to, call);
    } finally {
      kind.budget().settle(taken, delivery.takeOctets());
    }
  }

  private Answer sent(Target to, Delivery.Call call) {
    List<InetSocketAddress> addresses = to.addresses();
    if (addresses.isEmpty()) {
      return Answer.unreached("no address of it is known");
    }
    return delivery.send(
        call,
        addresses.get(Math.floorMod(turn, addresses.size())),
        to.server(),
        to.connectTimeout(),
        ANSWER_TIMEOUT,
        waiting::isOver);
  }

  /** So many of the oldest have got that answer. */
  private void settle(Target to, int count, Answer answer) {
    switch (answer.verdict()) {
      case TAKEN -> take(to, count, answer);
      case TOO_LARGE -> divide(to, count, answer);
      case REFUSED -> refuse(to, count, answer);
      case LATER, UNANSWERED -> {
        tell(to, answer.text());
        tried = count;
        // Before it is counted: an end that comes in between would be taken for one that waits.
        pause(to, longest(failed(), answer.pause()), !answer.pause().isZero());
        if (++tries == MOST_TRIES) {
          giveUp(count, answer.verdict() == Answer.Verdict.LATER);
        }
      }
      case UNREACHED -> { // which says nothing about the batch
        tell(to, answer.text());
        pause(to, longest(failed(), answer.pause()), false);
      }
    }
  }

  private void take(Target to, int count, Answer answer) {
    int rejected = (int) Math.min(answer.rejected(), count);
    kind.counts().send(count - rejected);
    kind.counts().reject(rejected);
    end(count);
    most = Math.min(kind.mostInBatch(), most + Math.ceilDiv(most, GROWTH_DIVISOR));
    isTold = false;
    backoff.reset();
    long now = System.nanoTime();
    if ((rejected > 0 || !answer.text().isEmpty())
        && now - partlyToldNanos >= BETWEEN_TOLD.toNanos()) {
      partlyToldNanos = now;
      kind.notTaken()
          .accept(
              to.server().authority(),
              "it rejects %d of %d: %s".formatted(rejected, count, answer.text()));
    }
  }

  /** The limit may be lasting, or one among them be long: later batches grow again by and by. */
  private void divide(Target to, int count, Answer answer) {
    if (count > 1) {
      most = count / 2;
      tries = 0;
    } else {
      refuse(to, count, answer);
    }
  }

  /** One batch may be at fault, not so the next one too. */
  private void refuse(Target to, int count, Answer answer) {
    tell(to, answer.text());
    kind.counts().reject(count);
    end(count);
    boolean isFirst = backoff.isClear();
    Duration pause = failed();
    if (!isFirst) {
      pause(to, pause, false);
    }
  }

  private void giveUp(int count, boolean isAnswered) {
    if (isAnswered) {
      kind.counts().reject(count);
    } else {
      kind.counts().leaveUnanswered(count);
    }
    end(count);
  }

  private void end(int count) {
    kind.counts().addOctets(-waiting.remove(count));
    tries = 0;
  }

  /** Returns the pause. */
  private Duration failed() {
    turn++;
    return backoff.failed();
  }

  private static Duration longest(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }

  /** Unless another one is to be asked meanwhile. */
  private synchronized void pause(Target to, Duration pause, boolean isAsked) {
    if (target.isSameAs(to)) {
      waiting.pause(pause, isAsked);
    }
  }

  private void tell(Target to, String why) {
    if (!isTold) {
      isTold = true;
      kind.notTaken().accept(to.server().authority(), why);
    }
  }

  /** Sends what waits once more, without waiting for that. */
  public void end() {
    waiting.end(ANSWER_TIMEOUT);
  }

  private void endSoon() {
    waiting.end(CLOSE_TIMEOUT.dividedBy(2));
  }

  /** The same, and waits. */
  @Override
  public void close() {
    close(List.of(this));
  }

  /** All at once, for two seconds at most. */
  public static void close(Collection<Exporter> exporters) {
    long deadline = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
    exporters.forEach(Exporter::endSoon);
    try {
      for (Exporter each : exporters) {
        each.thread.join(Duration.ofNanos(deadline - System.nanoTime()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
