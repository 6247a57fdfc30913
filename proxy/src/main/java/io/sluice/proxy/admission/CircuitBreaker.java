package io.sluice.proxy.admission;

import io.sluice.mesh.UpstreamSetting.Breaker;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Says of one service whether it is to be asked. Once a window has too many slow or failed answers
 * nobody asks it for a while; then one request tries, and by its answer all do again, or nobody
 * does for as long once more. Any thread; takes no lock. Times are of {@link System#nanoTime}.
 */
final class CircuitBreaker {
  private volatile Breaker rules;
  private volatile Window window;
  private volatile boolean sparing;
  private volatile long spareUntil; // written before
  private final AtomicReference<@Nullable Trial> trying = new AtomicReference<>();

  /** One request in the place of all others. */
  private record Trial(long begin) {}

  /** What has become of requests since {@code begin}. */
  private static final class Window {
    final long begin;
    final AtomicInteger answers = new AtomicInteger();
    final AtomicInteger slow = new AtomicInteger();
    final AtomicInteger failed = new AtomicInteger();

    Window(long begin) {
      this.begin = begin;
    }
  }

  /** Whether a request may be sent. */
  enum Answer {
    ASK,
    TRY,
    SPARE
  }

  CircuitBreaker(Breaker rules, long now) {
    this.rules = rules;
    this.window = new Window(now);
  }

  Breaker rules() {
    return rules;
  }

  /**
   * Goes by these from now on: whether they differ in nothing but the answers in the service's
   * place. What has been seen counts for no others.
   */
  boolean takes(Breaker next) {
    boolean alike = next.judgesAs(rules);
    if (alike) {
      rules = next;
    }
    return alike;
  }

  /** How long nobody asks yet, in nanoseconds: 0 where one may try; less where all ask. */
  long spareNanos(long now) {
    return sparing ? Math.max(0, spareUntil - now) : -1;
  }

  /** Nobody asks for so long, in nanoseconds, but no longer than the rules have it. */
  void spareFor(long nanos, long now) {
    spare(now, Math.clamp(nanos, 0, rules.degraded().toNanos()));
  }

  /**
   * Of {@link Answer#TRY} either {@link #tried} or {@link #untried} is to be told. Where neither is
   * for as long as a slow answer takes, another one tries, and what the first comes to counts no
   * more: a client that does not end its request keeps nobody else out.
   */
  Answer ask(long now) {
    if (!sparing) {
      return Answer.ASK;
    }
    Trial present = trying.get();
    return now - spareUntil >= 0
            && (present == null || isSlow(now - present.begin()))
            && trying.compareAndSet(present, new Trial(now))
        ? Answer.TRY
        : Answer.SPARE;
  }

  /** What a request has come to that was no trial. */
  void answered(boolean failed, long nanos, long now) {
    if (sparing) {
      return;
    }
    Window present = window;
    if (now - present.begin >= rules.window().toNanos()) {
      present = new Window(now); // of two at once one counts
      window = present;
    }
    int all = present.answers.incrementAndGet();
    int slow = isSlow(nanos) ? present.slow.incrementAndGet() : present.slow.get();
    int wrong = failed ? present.failed.incrementAndGet() : present.failed.get();
    if (all >= rules.leastRequests()
        && (isTooMuch(slow, all, rules.slowAmount(), rules.slowShare())
            || isTooMuch(wrong, all, rules.errorAmount(), rules.errorShare()))) {
      spare(now, rules.degraded().toNanos());
    }
  }

  private boolean isSlow(long nanos) {
    return nanos >= rules.slow().toNanos();
  }

  private static boolean isTooMuch(int count, int all, int most, double share) {
    return count > 0 && (count >= most || (double) count / all >= share);
  }

  private void spare(long now, long nanos) {
    window = new Window(now);
    spareUntil = now + nanos;
    sparing = true;
  }

  /** What the trial that began then has come to; {@code nanos}: how long its answer took. */
  void tried(boolean failed, long nanos, long began, long now) {
    Trial present = trying.get();
    if (present == null || present.begin() != began) {
      return; // another one tries, or has
    }
    if (failed || isSlow(nanos)) {
      spare(now, rules.degraded().toNanos());
    } else {
      window = new Window(now);
      sparing = false;
    }
    trying.compareAndSet(present, null);
  }

  /** The trial that began then has come to nothing that tells of the service. */
  void untried(long began) {
    Trial present = trying.get();
    if (present != null && present.begin() == began) {
      trying.compareAndSet(present, null);
    }
  }
}
