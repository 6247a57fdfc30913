package io.sluice.proxy.http;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.Faults;
import io.sluice.proxy.upstream.LocalPod;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One request that a FaultInjection holds back, by a timer and no thread. Its event loop. */
final class Delay {
  /** Requests of one pod that may be held back at a time; others go on at once. */
  static final int MOST = 1_024;

  private final LocalPod pod;
  private final Runnable goOn;
  private @Nullable Future<?> timer; // while it waits

  private Delay(LocalPod pod, Runnable goOn) {
    this.pod = pod;
    this.goOn = goOn;
  }

  /** Holds a request back; nothing where the pod has no room for it. */
  static @Nullable Delay of(Faults.Delay said, LocalPod pod, EventLoop loop, Runnable goOn) {
    if (pod.delayed.incrementAndGet() > MOST) {
      pod.delayed.decrementAndGet();
      return null;
    }
    Delay delay = new Delay(pod, goOn);
    long least = TimeUnit.MILLISECONDS.toNanos(said.minMillis());
    long most = TimeUnit.MILLISECONDS.toNanos(said.maxMillis());
    delay.timer =
        loop.schedule(
            delay::isOver,
            ThreadLocalRandom.current().nextLong(least, most + 1),
            TimeUnit.NANOSECONDS);
    return delay;
  }

  private void isOver() {
    if (end()) {
      goOn.run();
    }
  }

  boolean isUnderWay() {
    return timer != null;
  }

  /** It is held back no longer, and does not go on by this; says whether it was until now. */
  boolean end() {
    Future<?> scheduled = timer;
    timer = null;
    if (scheduled != null) {
      scheduled.cancel(false);
      pod.delayed.decrementAndGet();
    }
    return scheduled != null;
  }
}
