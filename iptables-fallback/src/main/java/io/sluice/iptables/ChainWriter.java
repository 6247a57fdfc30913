package io.sluice.iptables;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.Arrays;
import java.util.List;

/** Appends rules to one own chain; {@code countsPasses} tells whether what passes is counted. */
record ChainWriter(
    Rule.Table table, String chain, Direction direction, List<Rule> rules, boolean countsPasses) {

  ChainWriter(Rule.Table table, String chain, Direction direction, List<Rule> rules) {
    this(table, chain, direction, rules, true);
  }

  /** The same chain where somebody else counts what passes. */
  ChainWriter silent() {
    return new ChainWriter(table, chain, direction, rules, false);
  }

  /** Leaves alone what matches. */
  void pass(String match, Reason reason) {
    if (countsPasses) {
      add(FamilyWords.RETURN, Outcome.PASSTHROUGH, reason, match);
    } else {
      skip(match);
    }
  }

  void pass(List<String> matches, Reason reason) {
    matches.forEach(match -> pass(match, reason));
  }

  /** Leaves alone what matches, without counting: somebody else does. */
  void skip(String match) {
    rules.add(new Rule(table, chain, words(match), FamilyWords.RETURN, null));
  }

  /** Sends somewhere what is no traffic, without counting. */
  void divert(String target, String... matches) {
    rules.add(new Rule(table, chain, words(matches), target, null));
  }

  void add(String target, Outcome outcome, Reason reason, String... matches) {
    rules.add(
        new Rule(
            table, chain, words(matches), target, new Rule.Meaning(direction, outcome, reason)));
  }

  private static List<String> words(String... matches) {
    return Arrays.stream(matches).filter(match -> !match.isEmpty()).toList();
  }
}
