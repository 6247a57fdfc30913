package io.sluice.node.distribution;

import io.sluice.mesh.Marker;
import io.sluice.mesh.NamespacedName;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Pods of which something has been wrong for so long that people should see it where they look at
 * the pod: one that starts is troubled for a moment. For one thread.
 */
public final class TroubledPods {
  private final Supplier<Map<NamespacedName, String>> now;
  private final long dueNanos;
  private final LongSupplier nanoClock;
  private final Map<NamespacedName, Long> since = new HashMap<>();

  /**
   * @param now of which something is wrong, and what; any thread
   * @param due how long before it is told
   */
  public TroubledPods(
      Supplier<Map<NamespacedName, String>> now, Duration due, LongSupplier nanoClock) {
    this.now = now;
    this.dueNanos = due.toNanos();
    this.nanoClock = nanoClock;
  }

  /** Those to tell of, the first by name where there are too many. */
  Map<NamespacedName, String> look() {
    Map<NamespacedName, String> pods = now.get();
    long time = nanoClock.getAsLong();
    since.keySet().retainAll(pods.keySet());
    NavigableMap<NamespacedName, String> due = new TreeMap<>();
    pods.forEach((pod, problem) -> {
      if (time - since.computeIfAbsent(pod, _ -> time) >= dueNanos) {
        due.put(pod, problem);
        if (due.size() > Marker.MOST_TROUBLED) {
          due.pollLastEntry();
        }
      }
    });
    return due;
  }
}
