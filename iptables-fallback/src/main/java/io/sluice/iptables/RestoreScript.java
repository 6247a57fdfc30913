package io.sluice.iptables;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Input of {@code iptables-restore --noflush} that leads from one state of our chains to another.
 * Declaring a chain empties it; a table's changes take effect together.
 */
final class RestoreScript {
  private RestoreScript() {}

  /** Empty when there is nothing to do. */
  static String between(OwnRules current, OwnRules target) {
    var script = new StringBuilder();
    for (Rule.Table table : inTurn(current)) {
      String name = table.label();
      if (current.tables().containsKey(name) || target.tables().containsKey(name)) {
        append(script, name, current.table(name), target.table(name));
      }
    }
    return script.toString();
  }

  /**
   * The filter table refuses what the nat table has not redirected, so it comes after that and goes
   * before it: else what arrives in between would be refused. Without a jump it is as good as gone.
   */
  private static List<Rule.Table> inTurn(OwnRules current) {
    return current.table(Rule.Table.FILTER.label()).jumps().isEmpty()
        ? List.of(Rule.Table.NAT, Rule.Table.FILTER)
        : List.of(Rule.Table.FILTER, Rule.Table.NAT);
  }

  private static void append(
      StringBuilder script, String table, OwnRules.TableRules current, OwnRules.TableRules target) {
    Set<String> chains = new LinkedHashSet<>(target.chains().keySet());
    chains.addAll(current.chains().keySet());
    script.append('*').append(table).append('\n');
    chains.forEach(chain -> script.append(':').append(chain).append(" - [0:0]\n"));
    target
        .chains()
        .forEach((chain, rules) -> rules.forEach(rule -> line(script, "-A " + chain, rule)));
    current.jumps().forEach(jump -> line(script, "-D " + jump.chain(), jump.specification()));
    target
        .jumps()
        .forEach(jump ->
            line(script, "-I " + jump.chain() + " " + jump.position(), jump.specification()));
    current.chains().keySet().stream()
        .filter(chain -> !target.chains().containsKey(chain))
        .forEach(chain -> script.append("-X ").append(chain).append('\n'));
    script.append("COMMIT\n");
  }

  private static void line(StringBuilder script, String start, String specification) {
    script.append(start).append(' ').append(specification).append('\n');
  }
}
