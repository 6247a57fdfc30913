package io.sluice.iptables;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One rule of an own chain.
 *
 * @param table the table
 * @param chain an own chain
 * @param matches in the order in which iptables-save prints them; empty matches everything
 * @param target with its options
 * @param meaningOrNull what a hit means; null when a later rule or another table tells
 */
public record Rule(
    Table table,
    String chain,
    List<String> matches,
    String target,
    @Nullable Meaning meaningOrNull) {

  public Rule {
    matches = List.copyOf(matches);
  }

  /** The tables that are used. */
  public enum Table {
    FILTER("filter"),
    NAT("nat");

    private final String label;

    Table(String label) {
      this.label = label;
    }

    /** The kernel's name. */
    public String label() {
      return label;
    }
  }

  /** The verdict that a hit stands for. */
  public record Meaning(Direction direction, Outcome outcome, Reason reason) {}

  /** What a hit means, when this rule tells. */
  public Optional<Meaning> meaning() {
    return Optional.ofNullable(meaningOrNull);
  }

  /** The chain after its table's name. */
  String place() {
    return table.label() + " " + chain;
  }

  /** Matches and target, without the chain. */
  String specification() {
    return matches.isEmpty() ? "-j " + target : String.join(" ", matches) + " -j " + target;
  }
}
