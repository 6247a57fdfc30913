package io.sluice.iptables;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All rules of one pod and one family, computed without touching the kernel.
 *
 * <p>The nat table decides TCP and sees only the first packet of a connection, so its rules count
 * connections. The filter table decides what cannot be redirected and counts packets.
 */
public final class RuleSet {
  /** What iptables prefixes all own chains with. */
  static final String OWN_PREFIX = "SLUICE_";

  static final String OUTPUT_CHAIN = OWN_PREFIX + "OUTPUT";
  static final String PREROUTING_CHAIN = OWN_PREFIX + "PREROUTING";
  static final String TCP_CHAIN = OWN_PREFIX + "TCP";
  static final String INPUT_CHAIN = OWN_PREFIX + "INPUT";
  static final String CHECK_CHAIN = OWN_PREFIX + "CHECK";
  static final String FORWARD_CHAIN = OWN_PREFIX + "FORWARD";
  static final String PING_CHAIN = OWN_PREFIX + "PING";

  private final Family family;
  private final List<Rule> rules;
  private final List<Jump> jumps;

  private RuleSet(Family family, List<Rule> rules, List<Jump> jumps) {
    this.family = family;
    this.rules = List.copyOf(rules);
    this.jumps = List.copyOf(jumps);
  }

  /** The rules that redirect. */
  public static RuleSet of(PodTraffic traffic, Family family, Dialect dialect) {
    var rules = new ArrayList<Rule>();
    var jumps = new ArrayList<Jump>();
    var words = new FamilyWords(traffic, family, dialect);
    if (traffic.has(Direction.OUTBOUND)) {
      OutboundRules.pings(words, rules, jumps);
      OutboundRules.datagrams(words, rules, jumps);
      OutboundRules.untranslated(words, rules, jumps);
      OutboundRules.redirected(words, rules, jumps);
      OutboundRules.forwarded(rules, jumps);
    }
    if (traffic.has(Direction.INBOUND)) {
      InboundRules.redirected(words, rules, jumps);
    }
    return new RuleSet(family, rules, jumps);
  }

  /**
   * The rules for a pod with IPv6 on a node whose kernel cannot redirect it: what would be
   * redirected is refused, in permissive mode too, so that nothing leaves or enters unseen.
   */
  public static RuleSet ipv6Refused(PodTraffic traffic, Dialect dialect) {
    var rules = new ArrayList<Rule>();
    var jumps = new ArrayList<Jump>();
    var words = new FamilyWords(traffic, Family.IPV6, dialect);
    if (traffic.has(Direction.OUTBOUND)) {
      OutboundRules.pings(words, rules, jumps);
      OutboundRules.datagrams(words, rules, jumps);
      OutboundRules.refused(words, rules, jumps);
      OutboundRules.forwarded(rules, jumps);
    }
    if (traffic.has(Direction.INBOUND)) {
      InboundRules.refused(words, rules, jumps);
    }
    return new RuleSet(Family.IPV6, rules, jumps);
  }

  /** The family whose packets these rules see. */
  public Family family() {
    return family;
  }

  /** In the order in which packets meet them. */
  public List<Rule> rules() {
    return rules;
  }

  /** What the own part of the namespace's rules should be. */
  OwnRules own() {
    Map<String, OwnRules.TableRules> tables = new LinkedHashMap<>();
    for (Rule.Table table : Rule.Table.values()) {
      Map<String, List<String>> chains = new LinkedHashMap<>();
      for (Rule rule : rules) {
        if (rule.table() == table) {
          chains.computeIfAbsent(rule.chain(), _ -> new ArrayList<>()).add(rule.specification());
        }
      }
      List<OwnRules.PlacedJump> placed = new ArrayList<>();
      Map<String, Integer> positions = new LinkedHashMap<>();
      for (Jump jump : jumps) {
        if (jump.table() == table) {
          int position = positions.merge(jump.builtIn(), 1, Integer::sum);
          placed.add(new OwnRules.PlacedJump(jump.builtIn(), jump.specification(), position));
        }
      }
      if (!chains.isEmpty()) {
        tables.put(table.label(), new OwnRules.TableRules(chains, placed));
      }
    }
    return new OwnRules(tables);
  }

  /** Input of {@code iptables-restore --noflush} for a namespace without own chains. */
  public String render() {
    return RestoreScript.between(OwnRules.NONE, own());
  }
}
