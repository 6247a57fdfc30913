package io.sluice.proxy.http;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.socket.Timers;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * When an exchange is given up of which a route says how long its answer may take, and when one try
 * of it is. Others have none of these, and no timer. Event loop of the exchange.
 */
final class Deadlines {
  private final EventLoop loop;
  private final Runnable requestOver;
  private final Runnable tryOver;
  private @Nullable Future<?> ofRequest;
  private @Nullable Future<?> ofTry;

  /** None yet. */
  Deadlines(EventLoop loop, Runnable requestOver, Runnable tryOver) {
    this.loop = loop;
    this.requestOver = requestOver;
    this.tryOver = tryOver;
  }

  /**
   * Limits the exchange, unless it is limited already.
   *
   * @param millis none where that is not positive
   * @param sinceNanos of {@link System#nanoTime}, from when it counts
   */
  void limitRequest(long millis, long sinceNanos) {
    if (ofRequest == null && millis > 0) {
      long left = TimeUnit.MILLISECONDS.toNanos(millis) - (System.nanoTime() - sinceNanos);
      ofRequest = loop.schedule(requestOver, Math.max(0, left), TimeUnit.NANOSECONDS);
    }
  }

  /** Limits a try from now on; {@code millis} as of the exchange. */
  void limitTry(long millis) {
    endTry();
    if (millis > 0) {
      ofTry = loop.schedule(tryOver, millis, TimeUnit.MILLISECONDS);
    }
  }

  /** The try has ended. */
  void endTry() {
    Timers.cancel(ofTry);
    ofTry = null;
  }

  /** The exchange has ended, or is not limited any more. */
  void end() {
    endTry();
    Timers.cancel(ofRequest);
  }
}
