package io.sluice.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How far the two halves of this machine's processors are from each other: what a cache line takes
 * there and back. Those of a virtual machine may be threads of one core now and of two cores a
 * minute later, and a stream between them has half its rate then. For one thread.
 */
final class Distance {
  private static final int BATCHES = 8; // the least counts: a thread may be held up in the others
  private static final int ROUND_TRIPS = 1_000;
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

  /** What is nearer by as much is another place. */
  private static final double ANOTHER = 2;

  private final List<Double> measured = new ArrayList<>();
  private double least = Double.MAX_VALUE;
  private double most;

  /** In nanoseconds, as it is now; 0 with one processor. */
  double measure() throws Exception {
    double now = Half.areTwo() ? roundTrip() : 0;
    least = Math.min(least, now);
    most = Math.max(most, now);
    measured.add(now);
    return now;
  }

  /** Whether it is about the longest that has been measured so far. */
  boolean isLongest(double nanos) {
    return most <= ANOTHER * least || nanos * nanos > least * most;
  }

  /** Waits until it is; returns for how long, which is not much longer than {@code most}. */
  Duration awaitLongest(Duration most) throws Exception {
    long begin = System.nanoTime();
    Duration waited = Duration.ZERO;
    while (waited.compareTo(most) < 0 && !isLongest(measure())) {
      Thread.sleep(BETWEEN_LOOKS);
      waited = Duration.ofNanos(System.nanoTime() - begin);
    }
    return waited;
  }

  /** About the longest that has been measured, in nanoseconds; something has been. */
  double longest() {
    return Values.median(measured.stream().filter(this::isLongest).toList());
  }

  private static double roundTrip() throws Exception {
    AtomicInteger ball = new AtomicInteger();
    FutureTask<Double> first = new FutureTask<>(() -> serve(ball));
    FutureTask<Boolean> second = new FutureTask<>(() -> giveBack(ball));
    List<FutureTask<?>> players = new ArrayList<>(List.of(first, second));
    players.forEach(player -> Thread.ofPlatform().daemon().name("load-distance").start(player));
    second.get();
    return first.get();
  }

  private static double serve(AtomicInteger ball) {
    try (Half.Kept half = Half.OF_CLIENTS.keep()) {
      double best = Double.MAX_VALUE;
      int next = 0;
      for (int batch = 0; batch < BATCHES; batch++) {
        await(ball, next);
        long begin = System.nanoTime();
        for (int i = 0; i < ROUND_TRIPS; i++) {
          ball.set(next + 1);
          next += 2;
          await(ball, next);
        }
        best = Math.min(best, (System.nanoTime() - begin) / (double) ROUND_TRIPS);
      }
      return best;
    }
  }

  private static boolean giveBack(AtomicInteger ball) {
    try (Half.Kept half = Half.OF_SERVERS.keep()) {
      for (int i = 0; i < BATCHES * ROUND_TRIPS; i++) {
        await(ball, 2 * i + 1);
        ball.set(2 * i + 2);
      }
      return true;
    }
  }

  private static void await(AtomicInteger ball, int wanted) {
    while (ball.get() != wanted) {
      Thread.onSpinWait();
    }
  }
}
