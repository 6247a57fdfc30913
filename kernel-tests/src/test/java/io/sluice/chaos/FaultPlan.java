package io.sluice.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Which fault begins when, and which ones last. Counts steps and not time, so that the same faults
 * meet the same changes on a slow machine too. For one thread.
 */
final class FaultPlan {
  /** How long a step is meant to take. */
  static final Duration STEP = Duration.ofMillis(50);

  private static final int MOST_STEPS_BETWEEN = 12;

  private final Random random;
  private final List<Supplier<Fault>> kinds;
  private final List<Active> active = new ArrayList<>();
  private final Map<String, Integer> begun = new TreeMap<>();
  private long step;
  private long next;

  private record Active(Fault fault, long end) {}

  /** Of {@code kinds}, each entry is as likely as every other. */
  FaultPlan(List<Supplier<Fault>> kinds, Random random) {
    this.kinds = kinds;
    this.random = random;
  }

  /** Ends and begins what is due now. */
  void step() {
    for (Iterator<Active> each = active.iterator(); each.hasNext(); ) {
      Active one = each.next();
      if (one.end() <= step) {
        each.remove();
        one.fault().end().run();
      }
    }
    if (next <= step) {
      begin(kinds.get(random.nextInt(kinds.size())).get());
      next = step + 1 + random.nextInt(MOST_STEPS_BETWEEN);
    }
    step++;
  }

  private void begin(Fault fault) {
    begun.merge(fault.name(), 1, Integer::sum);
    fault.begin().run();
    active.add(new Active(fault, step + fault.lasting().dividedBy(STEP)));
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
