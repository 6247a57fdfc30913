package io.sluice.iptables;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The part of a namespace's rules of one family that is ours, by table.
 *
 * @param tables without the tables that hold nothing of ours
 */
record OwnRules(Map<String, TableRules> tables) {
  static final OwnRules NONE = new OwnRules(Map.of());

  /**
   * One table's part.
   *
   * @param chains specifications by own chain, in order
   * @param jumps into own chains
   */
  record TableRules(Map<String, List<String>> chains, List<PlacedJump> jumps) {
    static final TableRules NONE = new TableRules(Map.of(), List.of());
  }

  /** A jump and its position in its chain, from 1. */
  record PlacedJump(String chain, String specification, int position) {}

  TableRules table(String name) {
    return tables.getOrDefault(name, TableRules.NONE);
  }

  boolean isEmpty() {
    return tables.isEmpty();
  }

  /** Whether both have the same chains, each with as many rules, and the same places for jumps. */
  boolean hasShapeOf(OwnRules other) {
    return shape().equals(other.shape());
  }

  private Map<String, Object> shape() {
    Map<String, Object> shape = new LinkedHashMap<>();
    tables.forEach((name, table) -> {
      Map<String, Integer> sizes = new LinkedHashMap<>();
      table.chains().forEach((chain, rules) -> sizes.put(chain, rules.size()));
      List<String> places = new ArrayList<>();
      table.jumps().forEach(jump -> places.add(jump.chain() + " " + jump.position()));
      places.sort(null);
      shape.put(name, List.of(sizes, places));
    });
    return shape;
  }
}
