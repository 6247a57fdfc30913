package io.sluice.proxy.relay;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import io.sluice.proxy.limits.BufferBudget;

/**
 * Read sizes that follow the traffic, up to a maximum, and shrink to the least while too much is
 * buffered: everyone still makes progress, so stalled connections cannot stop a pod.
 */
public final class ReadSizes implements RecvByteBufAllocator {
  /** Size of a read while too much is buffered: progress for everyone, little memory. */
  public static final int BYTES_WHEN_FULL = 1_024;

  private static final int FIRST_BYTES = 2_048;
  private static final int LEAST_BYTES = 512;

  private final AdaptiveRecvByteBufAllocator adaptive;
  private final BufferBudget budget;

  /** Up to {@code maxReadBytes}, for the sockets that {@code budget} is of. */
  public ReadSizes(int maxReadBytes, BufferBudget budget) {
    this.adaptive =
        new AdaptiveRecvByteBufAllocator(
            LEAST_BYTES, Math.min(FIRST_BYTES, maxReadBytes), maxReadBytes);
    this.budget = budget;
  }

  @Override
  @SuppressWarnings("deprecation") // Netty's own interface names the deprecated type
  public Handle newHandle() {
    return new Sized((ExtendedHandle) adaptive.newHandle());
  }

  private final class Sized implements ExtendedHandle {
    private final ExtendedHandle delegate;

    Sized(ExtendedHandle delegate) {
      this.delegate = delegate;
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
      return budget.isExceeded()
          ? allocator.directBuffer(BYTES_WHEN_FULL)
          : delegate.allocate(allocator);
    }

    @Override
    public int guess() {
      return delegate.guess();
    }

    @Override
    public void reset(ChannelConfig config) {
      delegate.reset(config);
    }

    @Override
    public void incMessagesRead(int messages) {
      delegate.incMessagesRead(messages);
    }

    @Override
    public void lastBytesRead(int bytes) {
      delegate.lastBytesRead(bytes);
    }

    @Override
    public int lastBytesRead() {
      return delegate.lastBytesRead();
    }

    @Override
    public void attemptedBytesRead(int bytes) {
      delegate.attemptedBytesRead(bytes);
    }

    @Override
    public int attemptedBytesRead() {
      return delegate.attemptedBytesRead();
    }

    @Override
    public boolean continueReading() {
      return delegate.continueReading();
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
      return delegate.continueReading(maybeMoreData);
    }

    @Override
    public void readComplete() {
      delegate.readComplete();
    }
  }
}
