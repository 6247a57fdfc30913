package io.sluice.benchmarks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Gathers the lines of a result size by size. One thread. */
final class Growths {
  private final Map<String, Growth> byId = new LinkedHashMap<>();

  void add(int pods, String name, String label, String unit, Double... values) {
    String id = "distribution." + name;
    Growth before = byId.getOrDefault(id, Growth.of(id, label, unit, Map.of()));
    byId.put(id, before.with(pods, List.of(values)));
  }

  /** In the order in which they came first. */
  List<Growth> list() {
    return List.copyOf(byId.values());
  }
}
