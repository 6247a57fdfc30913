package io.sluice.iptables;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code iptables-save} printed.
 *
 * @param own our part
 * @param packets packet counters of own chains' rules by table and chain, as {@code nat
 *     SLUICE_OUTPUT}, in order; zeros without counters
 * @param foreign rules of others, each after its table's name
 * @param openChains built-in chains that accept what no rule decides, by table
 */
record SavedRules(
    OwnRules own,
    Map<String, List<Long>> packets,
    List<String> foreign,
    Map<String, List<String>> openChains) {

  private static final Pattern RULE = Pattern.compile("(?:\\[(\\d+):\\d+] )?-A (\\S+)(?: (.*))?");
  private static final Pattern CHAIN = Pattern.compile(":(\\S+) (\\S+) .*");
  private static final Pattern OWN_TARGET =
      Pattern.compile("(?:.* )?-[jg] " + RuleSet.OWN_PREFIX + "\\S+");

  static SavedRules parse(String text) {
    var reader = new Reader();
    text.lines().forEach(reader::line);
    return reader.result();
  }

  /** Whether somebody has put rules here, ours or not. */
  boolean holdsRules() {
    return !own.isEmpty() || !foreign.isEmpty();
  }

  /** Whether a rule of others stands in this chain. */
  boolean hasForeignIn(String table, String chain) {
    return foreign.stream().anyMatch(line -> line.startsWith(table + " -A " + chain + " "));
  }

  /** Built-in chains that nobody changed or uses. */
  List<String> idleChains(String table) {
    return openChains.getOrDefault(table, List.of()).stream()
        .filter(chain -> !hasForeignIn(table, chain))
        .toList();
  }

  private static final class Reader {
    private final Map<String, OwnRules.TableRules> tables = new LinkedHashMap<>();
    private final Map<String, List<Long>> packets = new LinkedHashMap<>();
    private final List<String> foreign = new ArrayList<>();
    private final Map<String, List<String>> openChains = new LinkedHashMap<>();
    private final Map<String, Integer> positions = new LinkedHashMap<>();
    private String table = "";

    void line(String line) {
      Matcher rule = RULE.matcher(line);
      Matcher chain = CHAIN.matcher(line);
      if (line.startsWith("*")) {
        table = line.substring(1);
        positions.clear();
      } else if (chain.matches()) {
        if (chain.group(1).startsWith(RuleSet.OWN_PREFIX)) {
          chainOf(chain.group(1));
        } else if (chain.group(2).equals("ACCEPT")) {
          openChains.computeIfAbsent(table, _ -> new ArrayList<>()).add(chain.group(1));
        }
      } else if (rule.matches()) {
        rule(rule.group(1), rule.group(2), rule.group(3) == null ? "" : rule.group(3));
      }
    }

    private void rule(String counter, String chain, String specification) {
      if (chain.startsWith(RuleSet.OWN_PREFIX)) {
        chainOf(chain).add(specification);
        packets
            .computeIfAbsent(table + " " + chain, _ -> new ArrayList<>())
            .add(counter == null ? 0 : Long.parseLong(counter));
        return;
      }
      int position = positions.merge(chain, 1, Integer::sum);
      if (OWN_TARGET.matcher(specification).matches()) {
        tableOf().jumps().add(new OwnRules.PlacedJump(chain, specification, position));
      } else {
        foreign.add(table + " -A " + chain + " " + specification);
      }
    }

    private List<String> chainOf(String chain) {
      return tableOf().chains().computeIfAbsent(chain, _ -> new ArrayList<>());
    }

    private OwnRules.TableRules tableOf() {
      return tables.computeIfAbsent(
          table, _ -> new OwnRules.TableRules(new LinkedHashMap<>(), new ArrayList<>()));
    }

    SavedRules result() {
      return new SavedRules(new OwnRules(tables), packets, foreign, openChains);
    }
  }
}
