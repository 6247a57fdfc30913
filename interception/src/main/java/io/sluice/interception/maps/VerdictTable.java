package io.sluice.interception.maps;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongFunction;

/**
 * Verdict counters as a dump, in one form for every mechanism: eBPF reads them from a map, iptables
 * mode from its rules. For one thread.
 */
public final class VerdictTable {
  /** Name of the dump, and of the map in eBPF mode. */
  public static final String NAME = "verdict_counters";

  private static final List<String> COLUMNS =
      List.of("pod", "direction", "family", "verdict", "reason", "count");

  private final LongFunction<String> podNames;
  private final List<List<String>> rows = new ArrayList<>();

  /** An empty table; {@code podNames} tells the pod of a namespace cookie. */
  public VerdictTable(LongFunction<String> podNames) {
    this.podNames = podNames;
  }

  /** Adds one counter; {@code count} is unsigned. */
  public void add(CounterKey key, long count) {
    rows.add(
        List.of(
            podNames.apply(key.netnsCookie()),
            key.direction().label(),
            "ipv" + key.family(),
            key.outcome().label(),
            key.reason().label(),
            Long.toUnsignedString(count)));
  }

  /** What was added, sorted by cells. */
  public MapDump dump() {
    return new MapDump(
        NAME,
        COLUMNS,
        rows.stream().sorted(Comparator.comparing(cells -> String.join(" ", cells))).toList());
  }
}
