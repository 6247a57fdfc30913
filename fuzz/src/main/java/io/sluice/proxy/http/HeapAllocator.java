package io.sluice.proxy.http;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;

/** Knows how much of what it gave was not released. Direct buffers would be slow to make. */
final class HeapAllocator extends AbstractByteBufAllocator {
  private final UnpooledByteBufAllocator heap = new UnpooledByteBufAllocator(false, true);

  @Override
  protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
    return heap.heapBuffer(initialCapacity, maxCapacity);
  }

  @Override
  protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
    return heap.heapBuffer(initialCapacity, maxCapacity);
  }

  @Override
  public boolean isDirectBufferPooled() {
    return false;
  }

  /** Octets that are in use. */
  long used() {
    return heap.metric().usedHeapMemory();
  }
}
