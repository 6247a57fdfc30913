package io.sluice.node.events;

import io.sluice.mesh.LogFormat;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.RequestRecord;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One JSON line for every connection, or for every request of one whose requests are told of;
 * written by a thread of its own. The queue between is bounded: when the disk cannot follow,
 * records are dropped and counted, traffic is not slowed.
 *
 * <p>A file is rotated at {@link #MAX_FILE_BYTES} with one predecessor kept, so that flash of a
 * small node is not filled.
 */
public final class AccessLog implements AutoCloseable {
  /** Writes nothing. */
  public static final String OFF = "off";

  /** Writes to standard output. */
  public static final String STDOUT = "-";

  /** Size at which a file becomes {@code <name>.1}: some 40 000 connections. */
  public static final long MAX_FILE_BYTES = 16L << 20;

  private static final int QUEUE_CAPACITY = 4_096;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

  /**
   * Pause after the last line that waited. Without it each record wakes the thread by itself, which
   * costs the event loops more than the record does; with it the queue holds 200,000 a second.
   */
  private static final Duration GATHERING = Duration.ofMillis(20);

  private static final System.Logger LOG = System.getLogger(AccessLog.class.getName());

  /** Some forty requests in one write: the file system costs more than the lines do. */
  private static final int FILE_BUFFER_BYTES = 32 * 1_024;

  private final Sink sink;
  private final AccessLines lines = new AccessLines(); // the thread's
  private final BlockingQueue<Entry> queue;
  private final AtomicLong dropped = new AtomicLong();
  private final Thread thread;

  /** What waits to be written. */
  sealed interface Entry {
    /** What becomes a line. */
    sealed interface Line extends Entry {
      /** How it is written; null for the usual way. */
      @Nullable LogFormat formatOrNull();

      /** Where it is kept as it is written; null where nobody else writes it likewise. */
      @Nullable Written writtenOrNull();

      /** The same, for two who write it alike: who comes second has the line of the first one. */
      Line shared();
    }

    record OfConnection(
        Instant time,
        AccessRecord record,
        @Nullable LogFormat formatOrNull,
        @Nullable Written writtenOrNull)
        implements Line {
      @Override
      public Line shared() {
        return new OfConnection(time, record, formatOrNull, new Written());
      }
    }

    record OfRequest(
        Instant time,
        RequestRecord record,
        @Nullable LogFormat formatOrNull,
        @Nullable Written writtenOrNull)
        implements Line {
      @Override
      public Line shared() {
        return new OfRequest(time, record, formatOrNull, new Written());
      }
    }

    /** A line once somebody has written it; nobody changes it. Any thread. */
    final class Written {
      private static final int MOST_OCTETS = 1_024; // longer ones would fill the heap as they wait

      private volatile byte @Nullable [] line;

      byte @Nullable [] line() {
        return line;
      }

      void keep(byte[] one) {
        line = one.length <= MOST_OCTETS ? one : null;
      }
    }

    record End() implements Entry {}

    static Line of(AccessRecord record, @Nullable LogFormat formatOrNull) {
      return new OfConnection(Instant.now(), record, formatOrNull, null);
    }

    /** What a stranger put in is cut here, so that what waits is bounded too. */
    static Line of(RequestRecord record, @Nullable LogFormat formatOrNull) {
      return new OfRequest(Instant.now(), AccessLines.bounded(record), formatOrNull, null);
    }
  }

  /** Where lines go; owned by the log's thread. */
  interface Sink {
    /** Writes the first {@code length} octets, which are the caller's again afterwards. */
    void write(byte[] line, int length) throws IOException;

    void flush() throws IOException;

    void close() throws IOException;
  }

  private AccessLog(Sink sink, int queueCapacity) {
    this.sink = sink;
    this.queue = new ArrayBlockingQueue<>(queueCapacity);
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
  public static AccessLog toFile(Path file) {
    return toFile(file, MAX_FILE_BYTES);
  }

  static AccessLog toFile(Path file, long maxFileBytes) {
    try {
      return to(new RotatingFile(file, maxFileBytes), QUEUE_CAPACITY);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write access log " + file, e);
    }
  }

  /** Writes to standard output, without rotation. */
  public static AccessLog toStandardOutput() {
    return to(new StandardOutput(System.out), QUEUE_CAPACITY);
  }

  static AccessLog to(Sink sink, int queueCapacity) {
    AccessLog log = new AccessLog(sink, queueCapacity);
    log.thread.start();
    return log;
  }

  /** The stream stays open: it belongs to the process. */
  private record StandardOutput(PrintStream out) implements Sink {
    @Override
    public void write(byte[] line, int length) {
      out.write(line, 0, length);
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

  /** Queues a line; never blocks, any thread. */
  void write(Entry.Line line) {
    if (!queue.offer(line)) {
      dropped.incrementAndGet();
    }
  }

  /** Records that were not written: the queue was full or the file could not be written. */
  public long dropped() {
    return dropped.get();
  }

  private void run() {
    boolean failing = false;
    try {
      for (Entry next = queue.take(); next instanceof Entry.Line line; next = queue.take()) {
        try {
          lines.write(line, sink);
          if (queue.isEmpty()) {
            sink.flush();
            Thread.sleep(GATHERING);
          }
          failing = false;
        } catch (IOException e) {
          dropped.incrementAndGet();
          if (!failing) {
            LOG.log(System.Logger.Level.ERROR, "access_log_not_written, records are dropped", e);
          }
          failing = true;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      closeSink();
    }
  }

  private void closeSink() {
    try {
      sink.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "access_log_not_closed", e);
    }
  }

  /** Writes what is queued, then ends; waits up to 2 s. */
  @Override
  public void close() {
    try {
      if (queue.offer(new Entry.End(), CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        thread.join(CLOSE_TIMEOUT);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * A file that grows to a limit, then becomes {@code <name>.1} in place of the one before it.
   * After a failure it is opened anew by the next write, so that a disk that was full for a while
   * does not end it. For one thread.
   */
  static final class RotatingFile implements AccessLog.Sink {
    /** Who calls whom, and by which path, is not for everybody on the node. */
    private static final Set<PosixFilePermission> READABLE =
        PosixFilePermissions.fromString("rw-r-----");

    private final Path file;
    private final long maxBytes;
    private @Nullable OutputStream out;
    private long size;

    RotatingFile(Path file, long maxBytes) throws IOException {
      this.file = file;
      this.maxBytes = maxBytes;
      opened();
    }

    /** Appends it, after rotation when it would exceed the limit. */
    @Override
    public void write(byte[] line, int length) throws IOException {
      try {
        OutputStream current = opened();
        if (size > 0 && size + length > maxBytes) {
          close();
          Files.move(file, predecessor(), StandardCopyOption.REPLACE_EXISTING);
          current = opened();
        }
        current.write(line, 0, length);
        size += length;
      } catch (IOException e) {
        abandon();
        throw e;
      }
    }

    /** Hands what is buffered to the kernel. */
    @Override
    public void flush() throws IOException {
      OutputStream current = out;
      if (current != null) {
        try {
          current.flush();
        } catch (IOException e) {
          abandon();
          throw e;
        }
      }
    }

    private Path predecessor() {
      return file.resolveSibling(file.getFileName() + ".1");
    }

    private OutputStream opened() throws IOException {
      OutputStream current = out;
      if (current == null) {
        current =
            new BufferedOutputStream(
                Channels.newOutputStream(
                    FileChannel.open(
                        file,
                        Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
                        PosixFilePermissions.asFileAttribute(READABLE))),
                FILE_BUFFER_BYTES);
        out = current;
        size = Files.size(file);
      }
      return current;
    }

    /**
     * Closes after a failure; what it held back is lost, and a second failure tells nothing new.
     */
    private void abandon() {
      try {
        close();
      } catch (IOException e) {
        // The first failure is being reported.
      }
    }

    @Override
    public void close() throws IOException {
      OutputStream current = out;
      out = null;
      if (current != null) {
        current.close();
      }
    }
  }
}
