package io.sluice.iptables;

import java.util.LinkedHashSet;
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
    Set<String> tables = new LinkedHashSet<>(target.tables().keySet());
    tables.addAll(current.tables().keySet());
    for (String table : tables) {
      append(script, table, current.table(table), target.table(table));
    }
    return script.toString();
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
