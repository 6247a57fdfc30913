package io.sluice.proxy.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.sluice.proxy.limits.BufferBudget;
import org.junit.jupiter.api.Test;

class ReadSizesTest {
  private static final int MOST = 65_536;
  private static final int LARGEST = MOST - 4 * 9; // and four headers fill four records of TLS
  private static final long LONG_NANOS = 1_000_000;
  private static final long SHORT_NANOS = 10_000;

  private final ReadSizes.Sized sizes =
      new ReadSizes(MOST, new BufferBudget(1 << 20, null)).ofSocket();

  /** The size of the next read, which fills its buffer. */
  private int next() {
    ByteBuf buffer = sizes.allocate(UnpooledByteBufAllocator.DEFAULT);
    int size = buffer.capacity();
    buffer.release();
    sizes.attemptedBytesRead(size);
    sizes.lastBytesRead(size);
    sizes.readComplete();
    return size;
  }

  @Test
  void readsThatKeepTheLoopTooLongBecomeSmallAndOthersGrowAgain() {
    for (int i = 0; i < 20; i++) {
      sizes.took(SHORT_NANOS);
      next();
    }
    assertThat(next()).isEqualTo(LARGEST);

    sizes.took(LONG_NANOS);
    assertThat(next()).isEqualTo(LARGEST / 2);
    for (int i = 0; i < 20; i++) {
      sizes.took(LONG_NANOS);
    }
    assertThat(next()).isEqualTo(ReadSizes.BYTES_WHEN_FULL);

    for (int i = 0; i < 20; i++) {
      sizes.took(SHORT_NANOS);
      next();
    }
    assertThat(next()).isEqualTo(LARGEST);
  }
}
