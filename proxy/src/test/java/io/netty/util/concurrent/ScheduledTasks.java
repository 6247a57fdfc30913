package io.netty.util.concurrent;

import java.util.concurrent.ExecutionException;

/** What an event loop is to do later, which Netty tells nobody else. */
public final class ScheduledTasks {
  private ScheduledTasks() {}

  /** How many that are; not of the loop itself. */
  public static int of(EventExecutor loop) throws InterruptedException, ExecutionException {
    return loop.submit(() -> ((AbstractScheduledEventExecutor) loop).scheduledTaskQueue().size())
        .get();
  }
}
