package io.sluice.proxy.socket;

import io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** What an event loop is to do later. */
public final class Timers {
  private Timers() {}

  /** Where there is one that has not run, it does not: what it holds would stay until then. */
  public static void cancel(@Nullable Future<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
  }
}
