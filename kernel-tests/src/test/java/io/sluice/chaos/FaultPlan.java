package io.sluice.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Which fault begins when, and which ones last. For one thread. */
final class FaultPlan {
  private static final int LONGEST_PAUSE_MILLIS = 600;

  private final Random random;
  private final List<Supplier<Fault>> kinds;
  private final List<Active> active = new ArrayList<>();
  private final Map<String, Integer> begun = new TreeMap<>();
  private long nextNanos = System.nanoTime();

  private record Active(Fault fault, long endNanos) {}

  /** Of {@code kinds}, each entry is as likely as every other. */
  FaultPlan(List<Supplier<Fault>> kinds, Random random) {
    this.kinds = kinds;
    this.random = random;
  }

  /** Ends and begins what is due now. */
  void step() {
    long now = System.nanoTime();
    endUntil(now);
    if (now - nextNanos >= 0) {
      begin(kinds.get(random.nextInt(kinds.size())).get());
      nextNanos = now + Duration.ofMillis(random.nextInt(LONGEST_PAUSE_MILLIS)).toNanos();
    }
  }

  private void begin(Fault fault) {
    begun.merge(fault.name(), 1, Integer::sum);
    fault.begin().run();
    active.add(new Active(fault, System.nanoTime() + fault.lasting().toNanos()));
  }

  private void endUntil(long nanos) {
    for (Iterator<Active> each = active.iterator(); each.hasNext(); ) {
      Active one = each.next();
      if (nanos - one.endNanos() >= 0) {
        each.remove();
        one.fault().end().run();
      }
    }
  }

  /** Ends every fault. */
  void endAll() {
    List<Active> left = List.copyOf(active);
    active.clear();
    left.forEach(one -> one.fault().end().run());
  }

  /** How many of each name have begun. */
  Map<String, Integer> begun() {
    return begun;
  }
}
