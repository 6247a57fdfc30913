package io.sluice.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How far this machine's two processors are from each other: what a cache line takes there and
 * back. Virtual ones may be threads of one core now and two cores a minute later, and a stream
 * between them has half its rate then. For one thread.
 */
final class Distance {
  private static final int BATCHES = 8; // the least counts: a thread may be held up in the others
  private static final int ROUND_TRIPS = 1_000;
  private static final int UNCOUNTED = 20; // until it is compiled
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

  /** Distances that differ by this factor are of two placements; those of one differ by less. */
  private static final double ANOTHER = 2;

  /** Of what was measured, as many are left out of the longest: a look may be disturbed. */
  private static final int ODD_ONES_IN = 20;

  private final Callable<Double> roundTrip;
  private final List<Double> measured = new ArrayList<>(); // in order of length
  private Duration patience;

  /**
   * @param patience for all waits together
   * @param roundTrip nanoseconds, as it is now
   */
  Distance(Duration patience, Callable<Double> roundTrip) {
    this.patience = patience;
    this.roundTrip = roundTrip;
  }

  /** Always 0 on a machine of another number of processors, which has more than one distance. */
  static Distance ofThisMachine(Duration patience) throws Exception {
    if (!Half.areSingle()) {
      return new Distance(patience, () -> 0.0);
    }
    for (int i = 0; i < UNCOUNTED; i++) {
      double _ = play();
    }
    return new Distance(patience, Distance::play);
  }

  /** In nanoseconds, as it is now. */
  double measure() throws Exception {
    double now = roundTrip.call();
    int place = Collections.binarySearch(measured, now);
    measured.add(place < 0 ? -place - 1 : place, now);
    return now;
  }

  /**
   * Whether it is of the longer of two placements, as far as is known by now, or of the only one.
   */
  boolean isFar(double nanos) {
    double near = measured.getFirst();
    double far = measured.get(measured.size() - 1 - measured.size() / ODD_ONES_IN);
    return far <= ANOTHER * near || nanos * nanos > near * far; // above the mean, of ratios
  }

  /** Measures until it is far, or patience is at its end. */
  double awaitFar() throws Exception {
    double now = measure();
    while (!isFar(now) && isPatient()) {
      Thread.sleep(BETWEEN_LOOKS);
      patience = patience.minus(BETWEEN_LOOKS);
      now = measure();
    }
    return now;
  }

  /** Whether {@link #awaitFar} would wait. */
  boolean isPatient() {
    return patience.isPositive();
  }

  /** What it is where it is far, in nanoseconds; 0 where nothing was measured. */
  double far() {
    return measured.isEmpty() ? 0 : Values.median(measured.stream().filter(this::isFar).toList());
  }

  private static double play() throws Exception {
    AtomicInteger ball = new AtomicInteger();
    FutureTask<Double> first = new FutureTask<>(() -> serve(ball));
    Thread.ofPlatform().daemon().name("load-distance").start(first);
    giveBack(ball, first);
    return first.get();
  }

  private static double serve(AtomicInteger ball) {
    try (Half.Kept _ = Half.OF_CLIENTS.keep()) {
      double best = Double.MAX_VALUE;
      int next = 0;
      for (int batch = 0; batch < BATCHES; batch++) {
        long begin = System.nanoTime();
        for (int i = 0; i < ROUND_TRIPS; i++) {
          ball.set(next + 1);
          next += 2;
          while (ball.get() != next) {
            Thread.onSpinWait();
          }
        }
        best = Math.min(best, (System.nanoTime() - begin) / (double) ROUND_TRIPS);
      }
      return best;
    }
  }

  private static void giveBack(AtomicInteger ball, FutureTask<?> other) {
    try (Half.Kept _ = Half.OF_SERVERS.keep()) {
      for (int wanted = 1; wanted < 2 * BATCHES * ROUND_TRIPS; wanted += 2) {
        while (ball.get() != wanted && !other.isDone()) {
          Thread.onSpinWait();
        }
        ball.set(wanted + 1);
      }
    }
  }
}
