package io.sluice.proxy;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Buffer memory that waits for slow readers, in bytes, of one pod or (the parent) of all. Touched
 * only when a socket does not take everything at once. Any thread.
 */
final class BufferBudget {
  private final AtomicLong held = new AtomicLong();
  private final long limit;
  private final @Nullable BufferBudget parent;

  BufferBudget(long limit, @Nullable BufferBudget parent) {
    this.limit = limit;
    this.parent = parent;
  }

  void hold(long bytes) {
    held.addAndGet(bytes);
    if (parent != null) {
      parent.hold(bytes);
    }
  }

  void release(long bytes) {
    hold(-bytes);
  }

  long held() {
    return held.get();
  }

  boolean isExceeded() {
    return held.get() >= limit || (parent != null && parent.isExceeded());
  }
}
