package io.sluice.node.events;

import io.sluice.node.export.Batch;
import io.sluice.node.export.Ring;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where the node's own lines go: a file or standard output, by a thread of its own. What waits for
 * that is bounded: when the disk cannot follow, lines are dropped and counted, traffic is not
 * slowed.
 *
 * <p>A file is rotated at {@link #MAX_FILE_BYTES} with one predecessor kept, so that flash of a
 * small node is not filled.
 */
public final class AccessLog implements AutoCloseable {
  /** Writes nothing. */
  public static final String OFF = "off";

  /** Writes to standard output. */
  static final String STDOUT = "-";

  /** Size at which a file becomes {@code <name>.1}: some 40 000 connections. */
  static final long MAX_FILE_BYTES = 16L << 20;

  private static final int MOST_WAITING = 4_096; // lines
  private static final int MOST_OCTETS_WAITING = 4 << 20;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

  /**
   * Pause after the last line that waited. Without it each line wakes the thread by itself, which
   * costs the event loops more than the line does; with it there is room for 200,000 a second.
   */
  static final Duration GATHERING = Duration.ofMillis(20);

  /** So much does not wait for more, else the ring would grow and be given back in each pause. */
  private static final int MUCH_OCTETS = 128 * 1_024;

  private static final System.Logger LOG = System.getLogger(AccessLog.class.getName());

  /** Of lines in one write, some forty requests: the file system costs more than they do. */
  static final int FILE_BUFFER_BYTES = 32 * 1_024;

  private final Sink sink;
  private final int mostWaiting;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Ring waiting = new Ring(); // this and the next two: under the lock
  private boolean isEnding;
  private boolean isGathering;
  private boolean isFailing; // this and the next: the thread's
  private int unflushed; // lines
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicBoolean isMistakeTold = new AtomicBoolean();
  private final Thread thread;

  /** Where lines go; owned by the log's thread. */
  interface Sink {
    /** Writes a line, whose octets are the caller's again afterwards. */
    void write(byte[] octets, int from, int length) throws IOException;

    void flush() throws IOException;

    void close() throws IOException;
  }

  private AccessLog(Sink sink, int mostWaiting) {
    this.sink = sink;
    this.mostWaiting = mostWaiting;
    this.thread = Thread.ofPlatform().daemon().name("sluice-access-log").unstarted(this::run);
  }

  /**
   * As an operator writes it: {@link #OFF}, {@link #STDOUT}, or a file.
   *
   * @param directory of files that are given without one
   */
  public static Optional<AccessLog> of(String choice, Path directory) {
    return switch (choice) {
      case OFF -> Optional.empty();
      case STDOUT -> Optional.of(toStandardOutput());
      default -> Optional.of(toFile(directory.resolve(choice)));
    };
  }

  /** Appends to {@code file}. */
  static AccessLog toFile(Path file) {
    return toFile(file, MAX_FILE_BYTES);
  }

  static AccessLog toFile(Path file, long maxFileBytes) {
    try {
      return to(new RotatingFile(file, maxFileBytes), MOST_WAITING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write access log " + file, e);
    }
  }

  /** Writes to standard output, without rotation. */
  private static AccessLog toStandardOutput() {
    return to(new StandardOutput(System.out), MOST_WAITING);
  }

  static AccessLog to(Sink sink, int mostWaiting) {
    AccessLog log = new AccessLog(sink, mostWaiting);
    log.thread.start();
    return log;
  }

  /** The stream stays open: it belongs to the process. */
  private record StandardOutput(PrintStream out) implements Sink {
    @Override
    public void write(byte[] octets, int from, int length) {
      out.write(octets, from, length);
    }

    @Override
    public void flush() throws IOException {
      if (out.checkError()) {
        throw new IOException("standard output is closed");
      }
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }

  /** The first of these octets, which are copied: a line; never blocks for long, any thread. */
  void write(byte[] line, int length) {
    lock.lock();
    try {
      if (!isEnding
          && waiting.count() < mostWaiting
          && waiting.octets() + length <= MOST_OCTETS_WAITING) {
        waiting.add(line, length, "");
        if (!isGathering || waiting.octets() >= MUCH_OCTETS) {
          changed.signal();
        }
        return;
      }
    } finally {
      lock.unlock();
    }
    dropped.incrementAndGet();
  }

  /** One could not be made into a line, which is told once; any thread. */
  void leaveOut(RuntimeException why) {
    dropped.incrementAndGet();
    if (!isMistakeTold.getAndSet(true)) {
      LOG.log(System.Logger.Level.ERROR, "access_log_not_written, a record is dropped", why);
    }
  }

  /** Lines that were not written: there was no room for them, or the file could not be written. */
  public long dropped() {
    return dropped.get();
  }

  private void run() {
    byte[] lines = {};
    try {
      for (Batch next = oldest(); next.count() > 0; next = oldest()) {
        lines = next.octets() > lines.length ? new byte[next.octets()] : lines;
        next.copy(lines);
        int from = 0;
        for (int line = 0; line < next.count(); line++) {
          write(lines, from, next.octetsOf(line));
          from += next.octetsOf(line);
        }
        flush();
        gather(next);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      closeSink();
    }
  }

  /** Waits for what is to be written; there is none once it has ended. */
  private Batch oldest() throws InterruptedException {
    lock.lock();
    try {
      while (waiting.count() == 0 && !isEnding) {
        changed.await();
      }
      return waiting.oldest(MOST_WAITING, FILE_BUFFER_BYTES);
    } finally {
      lock.unlock();
    }
  }

  /** Removes what was written; where nothing else waits, pauses until there may be enough. */
  private void gather(Batch written) throws InterruptedException {
    lock.lock();
    try {
      waiting.remove(written.count());
      isGathering = waiting.count() == 0;
      for (long left = GATHERING.toNanos();
          isGathering && left > 0 && waiting.octets() < MUCH_OCTETS && !isEnding; ) {
        left = changed.awaitNanos(left);
      }
      isGathering = false;
    } finally {
      lock.unlock();
    }
  }

  private void write(byte[] lines, int from, int length) {
    unflushed++;
    try {
      sink.write(lines, from, length);
    } catch (IOException e) {
      fail(e);
    }
  }

  /** Of what is kept back the disk says only now that it has no room for it. */
  private void flush() {
    if (unflushed > 0) {
      try {
        sink.flush();
        isFailing = false;
        unflushed = 0;
      } catch (IOException e) {
        fail(e);
      }
    }
  }

  private void fail(IOException why) {
    dropped.addAndGet(unflushed);
    unflushed = 0;
    if (!isFailing) {
      LOG.log(System.Logger.Level.ERROR, "access_log_not_written, records are dropped", why);
    }
    isFailing = true;
  }

  private void closeSink() {
    try {
      sink.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "access_log_not_closed", e);
    }
  }

  /** Writes what waits, then ends; waits up to 2 s. */
  @Override
  public void close() {
    lock.lock();
    isEnding = true;
    changed.signal();
    lock.unlock();
    try {
      thread.join(CLOSE_TIMEOUT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
