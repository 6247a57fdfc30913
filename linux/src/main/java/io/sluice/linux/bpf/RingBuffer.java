package io.sluice.linux.bpf;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.Descriptor;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.SystemCalls;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The reading end of a BPF ring buffer, for one thread.
 *
 * <p>The kernel's layout: a page with the consumer's position, writable here; a page with the
 * producer's position and the data behind it, mapped twice in a row so that no record is ever cut.
 * A record is 8 bytes of header (length with two flags, page offset) and the sample, rounded up to
 * 8 bytes.
 */
public final class RingBuffer implements AutoCloseable {
  private static final int HEADER_BYTES = 8;
  private static final int BUSY = 1 << 31;
  private static final int DISCARDED = 1 << 30;

  /** Short against what a reader of records waits for, and as to how long a ring takes to fill. */
  private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  // The kernel writes the producer's position and the headers with release semantics, and reads the
  // consumer's with acquire semantics; these are the counterparts.
  private static final VarHandle POSITION = ValueLayout.JAVA_LONG.varHandle();
  private static final VarHandle LENGTH = ValueLayout.JAVA_INT.varHandle();

  private final BpfMapFd map;
  private final MemorySegment consumer;
  private final MemorySegment producer;
  private final MemorySegment data;
  private final long mask;

  private RingBuffer(BpfMapFd map) {
    MapSizes.checkType(map, MapType.RINGBUF, "RINGBUF");
    int page = SystemCalls.pageBytes();
    long size = Integer.toUnsignedLong(map.info().maxEntries());
    this.mask = size - 1;
    this.map = map.duplicate();
    long writable =
        SystemCalls.mmap(this.map.fd(), 0, page, SystemCalls.PROT_READ | SystemCalls.PROT_WRITE);
    long readable =
        writable < 0
            ? writable
            : SystemCalls.mmap(this.map.fd(), page, page + 2 * size, SystemCalls.PROT_READ);
    if (readable < 0) {
      if (writable > 0) {
        SystemCalls.munmap(writable, page);
      }
      this.map.close();
      throw BpfFailure.of("mmap", (int) readable, map.subject(), "raise the memory limit");
    }
    this.consumer = SystemCalls.view(writable, page);
    this.producer = SystemCalls.view(readable, page + 2 * size);
    this.data = producer.asSlice(page);
  }

  /**
   * Hands over records of {@code map} as they come, until {@code ending} is told. While none comes
   * it sleeps in the kernel. After each look it rests: the kernel wakes nobody for a record behind
   * one that has not been read, so that many at once cost one awakening, and no processor time of
   * those who cause them.
   *
   * @param sample called with each record, in native byte order, valid during the call only; if it
   *     throws, the record counts as read
   */
  public static void follow(BpfMapFd map, Consumer<ByteBuffer> sample, Ending ending) {
    try (RingBuffer ring = new RingBuffer(map)) {
      while (!ending.isTold()) {
        if (ring.drain(sample)) {
          LockSupport.parkNanos(REST_NANOS);
        } else {
          int ready = FileCalls.pollEither(ring.map.fd(), ending.fd());
          if (ready < 0 && ready != -Errno.EINTR.number()) {
            throw BpfFailure.of("poll", ready, ring.map.subject(), "");
          }
        }
      }
    }
  }

  /** Ends {@link #follow}, which waits where no interrupt of the JVM's reaches it. Any thread. */
  public static final class Ending implements AutoCloseable {
    private final Descriptor event;
    private volatile boolean isTold;

    /** Of one that goes on until it is told. */
    public Ending() {
      int fd = FileCalls.eventfd();
      if (fd < 0) {
        throw new LinuxException("eventfd", Errno.of(-fd), "end of a reader", "raise LimitNOFILE");
      }
      this.event = new Descriptor(fd, "end of a reader");
    }

    /** Says that it is to end; returns at once. */
    public void tell() {
      isTold = true;
      int _ = FileCalls.signal(event.fd()); // fails only where it would count beyond 64 bits
    }

    boolean isTold() {
      return isTold;
    }

    int fd() {
      return event.fd();
    }

    /** To be called once what it ends has ended. */
    @Override
    public void close() {
      event.close();
    }
  }

  /** Unmaps the buffer. */
  @Override
  public void close() {
    SystemCalls.munmap(consumer.address(), consumer.byteSize());
    SystemCalls.munmap(producer.address(), producer.byteSize());
    map.close();
  }

  /** Hands over all records there are; whether there was one. */
  private boolean drain(Consumer<ByteBuffer> sample) {
    boolean any = false;
    long position = (long) POSITION.getAcquire(consumer, 0L);
    // Read again after the last record: the kernel wakes us only when it saw us catch up before it
    // wrote.
    while (position < (long) POSITION.getAcquire(producer, 0L)) {
      long at = position & mask;
      int header = (int) LENGTH.getAcquire(data, at);
      if ((header & BUSY) != 0) {
        return any; // reserved, still being written
      }
      int length = header & ~DISCARDED;
      position += (length + HEADER_BYTES + 7L) & ~7L;
      try {
        if ((header & DISCARDED) == 0) {
          any = true;
          sample.accept(
              data.asSlice(at + HEADER_BYTES, length)
                  .asReadOnly()
                  .asByteBuffer()
                  .order(ByteOrder.nativeOrder()));
        }
      } finally {
        POSITION.setVolatile(consumer, 0L, position);
      }
    }
    return any;
  }
}
