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

  /** The same chains, into which nothing leads. */
  OwnRules withoutJumps() {
    Map<String, TableRules> unused = new LinkedHashMap<>();
    tables.forEach((name, table) -> unused.put(name, new TableRules(table.chains(), List.of())));
    return new OwnRules(unused);
  }

  /**
   * Whether both have the same chains with the same sequence of targets, and the same places for
   * jumps. Matches are left out: iptables-save may print a protocol by name that was given by
   * number.
   */
  boolean hasShapeOf(OwnRules other) {
    return shape().equals(other.shape());
  }

  private Map<String, Object> shape() {
    Map<String, Object> shape = new LinkedHashMap<>();
    tables.forEach((name, table) -> {
      Map<String, List<String>> targets = new LinkedHashMap<>();
      table
          .chains()
          .forEach(
              (chain, rules) -> targets.put(chain, rules.stream().map(OwnRules::target).toList()));
      List<String> places = new ArrayList<>();
      table
          .jumps()
          .forEach(jump ->
              places.add(
                  jump.chain() + " " + jump.position() + " " + target(jump.specification())));
      places.sort(null);
      shape.put(name, List.of(targets, places));
    });
    return shape;
  }

  private static String target(String specification) {
    return specification.substring(Math.max(0, specification.lastIndexOf("-j ")));
  }
}
