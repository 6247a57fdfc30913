package io.sluice.proxy.relay;

import io.netty.buffer.ByteBuf;
import io.sluice.proxy.admission.ByteRate;
import io.sluice.proxy.limits.BufferBudget;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Joins two channels of one event loop: the end of one's input ends the other's output, the reset
 * of one resets the other, and what one does not take is not read from the other. Runs on that
 * loop.
 */
public final class Relay {
  /** Hears of the end. */
  public interface Listener {
    /**
     * Both channels are closed; called once, and not after {@link #reset}.
     *
     * @param byNear whose end it was, where it is not {@link ChannelEnd#FINISHED}
     */
    void ended(boolean byNear, ChannelEnd how);
  }

  /** Hears what the near end says, and may go on with its channel. On the event loop. */
  public interface Continuation {
    /**
     * Whether what is said is for it, who only looks at it here; it may reset the relay instead.
     *
     * @param isNext whether the far end has answered what was said before, as far as bytes tell
     */
    boolean takes(ByteBuf said, boolean isNext);

    /**
     * The far channel was reset. {@code near}, which is started, is the continuation's, and {@code
     * said}, which came first, is its to release.
     */
    void goOnWith(ByteChannel near, ByteBuf said);
  }

  /** A read of fewer bytes is not worth a frame of its own while others wait. */
  private static final int SMALL_READ_BYTES = 4_096;

  private final BufferBudget budget;
  private final Listener listener;
  private final Flow toFar;
  private final Flow toNear;
  private boolean ended;
  private Flow talking; // the one that bytes came by last
  private boolean asksForMore; // what came by it last is no answer yet
  private @Nullable Continuation continuation;

  private boolean seen;
  private long seenBytes;
  private boolean seenHalfClosed;
  private long activeNanos = System.nanoTime();

  /**
   * Two channels that are open and not started yet.
   *
   * @param budget of the pod, which what waits is counted for, unless its source's window bounds it
   */
  public Relay(ByteChannel near, ByteChannel far, BufferBudget budget, Listener listener) {
    this.budget = budget;
    this.listener = listener;
    this.toFar = new Flow(near, far);
    this.toNear = new Flow(far, near);
    this.talking = toNear; // the near end speaks first, or has nothing to answer yet
  }

  /**
   * Lets so much pass only, once it is paid for; to be called before {@link #start}, on {@code
   * executor}.
   */
  public void hold(ByteRate ofFar, ByteRate ofNear, ScheduledExecutorService executor) {
    toFar.hold(new Pace(ofFar, executor));
    toNear.hold(new Pace(ofNear, executor));
  }

  /** How fast one direction may be. */
  private record Pace(ByteRate rate, ScheduledExecutorService executor) {}

  /** Moves bytes from now on. */
  public void start() {
    toFar.source.listen(toFar);
    toNear.source.listen(toNear);
    toFar.source.start();
    toNear.source.start();
  }

  /** Has {@code next} hear what the near end says from now on; null: nobody. */
  public void cede(@Nullable Continuation next) {
    continuation = next;
  }

  /** Whether, as far as bytes tell, all that the near end has asked is answered. */
  public boolean isBetweenCalls() {
    return talking == toNear
        && !asksForMore
        && !toNear.inputEnded
        && toFar.hasPassedAll()
        && toNear.hasPassedAll();
  }

  /** As an application asks for content that waits for that, among others (RFC 9110 §15.2). */
  private static boolean isInterim(ByteBuf said) {
    int begin = said.readerIndex();
    return said.readableBytes() > 9 && said.getByte(begin) == 'H' && said.getByte(begin + 9) == '1';
  }

  /** Payload bytes that the near end has sent. */
  public long sent() {
    return toFar.moved;
  }

  /** Payload bytes that the far end has sent. */
  public long received() {
    return toNear.moved;
  }

  /** Looks at what has happened since the last look, at {@code now} of {@link System#nanoTime}. */
  public void look(long now) {
    if (!seen && !ended) {
      seen = true;
      toFar.source.lasts();
      toNear.source.lasts();
    }
    // What waits may have become less without anybody being told.
    toFar.account();
    toNear.account();
    long bytes = toFar.moved + toNear.moved;
    boolean halfClosed = toFar.inputEnded || toNear.inputEnded;
    if (bytes != seenBytes || halfClosed != seenHalfClosed) {
      seenBytes = bytes;
      seenHalfClosed = halfClosed;
      activeNanos = now;
    }
  }

  /** How long nothing has happened, as far as {@link #look} knows. */
  public long silentNanos(long now) {
    return now - activeNanos;
  }

  /** Ends both at once. */
  public void reset() {
    if (!ended) {
      dropAll();
      toFar.source.reset();
      toNear.source.reset();
    }
  }

  private void dropAll() {
    ended = true;
    toFar.drop();
    toNear.drop();
  }

  private void ended(Flow first, ChannelEnd how) {
    if (ended) {
      return;
    }
    if (how != ChannelEnd.FINISHED) {
      reset();
      listener.ended(first == toFar, how);
    } else if (toFar.sourceFinished && toNear.sourceFinished) {
      ended = true;
      toFar.account();
      toNear.account();
      listener.ended(true, how);
    }
  }

  /** One direction; hears of the channel that it leads away from. */
  private final class Flow implements ByteChannel.Listener {
    final ByteChannel source;
    private final ByteChannel sink;
    private @Nullable ByteQueue pending; // of a source that sends unasked, or is held back
    private int writing; // bytes of that source which the sink has not sent yet
    private int waiting; // of the budget
    private int readCapacity;
    private boolean wastesBuffers;
    private @Nullable Pace pace;
    private int paid; // of what is pending
    private @Nullable Future<?> held; // until that may pass
    private boolean paused;
    private boolean inputEnded;
    private boolean sourceFinished;
    private long moved;

    Flow(ByteChannel source, ByteChannel sink) {
      this.source = source;
      this.sink = sink;
      this.pending = source.hasWindow() ? new ByteQueue() : null;
    }

    void hold(Pace known) {
      pace = known;
      if (pending == null) {
        pending = new ByteQueue();
      }
    }

    private Flow opposite() {
      return this == toFar ? toNear : toFar;
    }

    @Override
    public void bytes(ByteBuf bytes) {
      int length = bytes.readableBytes();
      Continuation next = continuation;
      if (!ended && this == toFar && next != null && next.takes(bytes, isBetweenCalls())) {
        dropAll();
        sink.reset();
        source.waitForAll(false); // as it was before this relay
        next.goOnWith(source, bytes);
        return;
      }
      if (ended) {
        bytes.release();
        source.consumed(length);
        return;
      }
      talking = this;
      asksForMore = this == toNear && isInterim(bytes);
      moved += length;
      readCapacity = bytes.capacity();
      ByteQueue queue = pending;
      if (queue != null) {
        queue.add(bytes, writing > 0 && !budget.hasRoom());
      } else {
        wastesBuffers = length < SMALL_READ_BYTES || length < readCapacity / 2;
        sink.write(bytes);
      }
    }

    /** Pieces that came together go in one system call, and wake the application once. */
    @Override
    public void batchEnded() {
      if (!ended && !paused) {
        passOn();
      }
    }

    boolean hasPassedAll() {
      return writing == 0 && (pending == null || pending.size() == 0) && sink.unsentBytes() == 0;
    }

    private void passOn() {
      if (writePending()) {
        flush();
      } else {
        account();
      }
    }

    /** Returns false where all of it waits until it is paid for. */
    private boolean writePending() {
      ByteQueue queue = pending;
      if (queue == null) {
        return true;
      }
      int written = 0;
      for (int most = payable(queue); most > 0; most = payable(queue)) {
        ByteBuf piece = Objects.requireNonNull(queue.poll(most));
        int length = piece.readableBytes();
        written += length;
        paid = Math.max(0, paid - length);
        sink.write(piece);
      }
      writing += written;
      return written > 0 || held == null;
    }

    /** How much may be written now; where something has to wait, it goes on by itself. */
    private int payable(ByteQueue queue) {
      Pace known = pace;
      if (known == null || queue.size() == 0) {
        return queue.size();
      }
      if (paid == 0) {
        paid = Math.min(queue.size(), known.rate().pieceBytes());
        long wait = known.rate().pay(paid, System.nanoTime());
        if (wait > 0) {
          held = known.executor().schedule(this::release, wait, TimeUnit.NANOSECONDS);
        }
      }
      return held == null ? paid : 0;
    }

    private void release() {
      held = null;
      if (!ended && !paused) {
        goOn();
      }
    }

    /** One batch at a time: what comes meanwhile is gathered for the next. */
    private void flush() {
      sink.flush();
      if (ended) {
        return;
      }
      account();
      // One more frame for few bytes costs more memory than they do: what waits is to go first, and
      // the source gathers the rest.
      sink.waitForAll(waiting > 0 && (wastesBuffers || budget.isExceeded()));
      if (sink.isWritable()) {
        goOn();
      } else {
        paused = true;
      }
    }

    void sinkWritable() {
      if (!ended) {
        paused = false;
        account();
        goOn();
      }
    }

    /** What was written has gone. */
    private void goOn() {
      int written = writing;
      writing = 0;
      if (written > 0) {
        source.consumed(written);
      }
      ByteQueue queue = pending;
      if (queue != null && queue.size() > 0) {
        passOn();
      } else if (inputEnded) {
        sink.endOutput();
      } else {
        source.read();
      }
    }

    /** Tells the budget what waits, where that has changed. */
    void account() {
      if (!source.hasWindow()) {
        int bytes = ended ? 0 : sink.unsentBytes() + (pending == null ? 0 : pending.size());
        int now = bytes == 0 ? 0 : Math.max(bytes, readCapacity);
        if (now != waiting) {
          budget.hold(now - waiting);
          waiting = now;
        }
      }
    }

    void drop() {
      account();
      Future<?> waits = held;
      if (waits != null && pace != null) {
        waits.cancel(false);
        pace.rate().giveBack(paid);
      }
      ByteQueue queue = pending;
      if (queue != null) {
        source.consumed(writing + queue.size());
        queue.clear();
      }
    }

    @Override
    public void inputEnded() {
      inputEnded = true;
      if (!ended && !paused) {
        goOn();
      }
    }

    @Override
    public void writable() {
      opposite().sinkWritable();
    }

    @Override
    public void closed(ChannelEnd end) {
      sourceFinished = end == ChannelEnd.FINISHED;
      if (end == ChannelEnd.RESET_BY_PEER) {
        passWhatCame();
      }
      ended(this, end);
    }

    /** An answer before a reset arrives before it, as it would without a relay. */
    private void passWhatCame() {
      if (!ended && !paused && writePending()) {
        sink.flush();
      }
    }
  }
}
