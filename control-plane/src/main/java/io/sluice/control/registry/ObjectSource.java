package io.sluice.control.registry;

import java.util.function.Consumer;

/**
 * Where a registry's objects come from.
 *
 * <p>The consumer is called once before {@link #start} returns, with everything that is known by
 * then, and afterwards on a thread of the source for each change, never concurrently. Where the
 * consumer throws, the source calls it again within seconds, with what is new by then: each change
 * is given once only.
 */
public interface ObjectSource extends AutoCloseable {
  /** Starts delivering; called once. */
  void start(Consumer<ObjectBatch> consumer);

  /** Stops delivering; no call of the consumer is under way or follows when it returns. */
  @Override
  void close();
}
