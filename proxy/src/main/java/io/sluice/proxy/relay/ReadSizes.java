package io.sluice.proxy.relay;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import io.sluice.proxy.limits.BufferBudget;

/**
 * Read sizes that follow the traffic, up to a maximum, and shrink to the least while too much is
 * buffered: everyone still makes progress, so stalled connections cannot stop a pod. They are
 * halved as well while what is read keeps the event loop too long, so that many small requests in
 * one read do not make the loop's other pods wait for all of them.
 */
public final class ReadSizes implements RecvByteBufAllocator {
  /** Size of a read while too much is buffered: progress for everyone, little memory. */
  public static final int BYTES_WHEN_FULL = 1_024;

  /** Longer than what moving the largest read on takes, by far. */
  private static final long LONG_NANOS = 200_000;

  /** Of HTTP/2, in front of a record's content: the largest read fills whole records. */
  private static final int BYTES_PER_FRAME = 9;

  private static final int FRAME_BYTES = 16_384;
  private static final int FIRST_BYTES = 2_048;
  private static final int LEAST_BYTES = 512;

  private final AdaptiveRecvByteBufAllocator adaptive;
  private final BufferBudget budget;
  private final int maxReadBytes;

  /** Up to {@code maxReadBytes}, or a little less, for the sockets that {@code budget} is of. */
  public ReadSizes(int maxReadBytes, BufferBudget budget) {
    this.adaptive =
        new AdaptiveRecvByteBufAllocator(
            LEAST_BYTES, Math.min(FIRST_BYTES, maxReadBytes), maxReadBytes);
    this.budget = budget;
    this.maxReadBytes = maxReadBytes - maxReadBytes / FRAME_BYTES * BYTES_PER_FRAME;
  }

  @Override
  @SuppressWarnings("deprecation") // Netty's own interface names the deprecated type
  public Handle newHandle() {
    return ofSocket();
  }

  /** Those of one socket. */
  @SuppressWarnings("deprecation") // as above
  Sized ofSocket() {
    return new Sized((ExtendedHandle) adaptive.newHandle());
  }

  /** Sizes of one socket; event loop. */
  final class Sized extends DelegatingHandle implements RecvByteBufAllocator, ExtendedHandle {
    private int most = maxReadBytes;

    Sized(ExtendedHandle delegate) {
      super(delegate);
    }

    /** What was read took so long to deal with. */
    void took(long nanos) {
      if (nanos > LONG_NANOS) {
        most = Math.max(BYTES_WHEN_FULL, Math.min(most, guess()) / 2);
      } else if (most < maxReadBytes) {
        most = Math.min(maxReadBytes, 2 * most);
      }
    }

    @Override
    public Handle newHandle() {
      return this;
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
      if (budget.isExceeded()) {
        return allocator.directBuffer(BYTES_WHEN_FULL);
      }
      return guess() > most ? allocator.directBuffer(most) : super.allocate(allocator);
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
      return ((ExtendedHandle) delegate()).continueReading(maybeMoreData);
    }
  }
}
