package io.sluice.proxy.accept;

import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.proxy.admission.TokenBucket;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How many handshakes of TLS clients outside the mesh may begin with one pod in a second, since
 * each takes the loop milliseconds. Where less than half of them are left, those who ask within a
 * second, or did in the one before, have equal parts, and one alone leaves some for who comes. Any
 * thread, without locks; times are of {@link System#nanoTime}.
 */
final class OutsideHandshakes {
  /** A second. */
  static final int MOST = 50;

  /** For one source. */
  static final int MOST_OF_ONE = MOST - MOST / 8;

  /** That are told apart within a second: more than can have one. */
  private static final int MOST_SOURCES = MOST + MOST / 2;

  private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final TokenBucket all;
  private final AtomicReference<Window> present;

  /**
   * One second.
   *
   * @param before how many sources asked in the second before
   * @param taken by each source that has asked; never changed
   */
  private record Window(long begin, int before, Map<Object, Integer> taken) {
    Window at(long now) {
      long age = now - begin;
      return age < WINDOW_NANOS
          ? this
          : new Window(now, age < 2 * WINDOW_NANOS ? taken.size() : 0, Map.of());
    }

    int held(Object source) {
      return taken.getOrDefault(source, 0);
    }

    boolean hasRoom(Object source) {
      int sources = Math.max(before, taken.size() + (taken.containsKey(source) ? 0 : 1));
      return held(source) < Math.max(1, Math.min(MOST_OF_ONE, MOST / sources));
    }

    Window with(Object source, int more) {
      Map<Object, Integer> next = new HashMap<>(taken);
      next.put(source, held(source) + more);
      return new Window(begin, before, next);
    }
  }

  OutsideHandshakes(long now) {
    all = new TokenBucket(new Rate(MOST, Duration.ofSeconds(1), 0), now);
    present = new AtomicReference<>(new Window(now, 0, Map.of()));
  }

  /** Takes one for {@code source}, if there is one at {@code now}. */
  boolean take(Object source, long now) {
    while (true) {
      Window known = Objects.requireNonNull(present.get());
      Window window = known.at(now);
      boolean takes = window.hasRoom(source) || all.untilFull(now) < WINDOW_NANOS / 2;
      boolean isKnown = window.taken().containsKey(source);
      if (!isKnown && window.taken().size() >= MOST_SOURCES || isKnown && !takes) {
        return false;
      }
      if (present.compareAndSet(known, window.with(source, takes ? 1 : 0))) {
        return takes && all.take(now);
      }
    }
  }
}
