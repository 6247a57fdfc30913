package io.sluice.iptables;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
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
  static final String ISOLATED_CHAIN = OWN_PREFIX + "ISOLATED";

  private final List<Rule> rules;
  private final List<Jump> jumps;

  private RuleSet(List<Rule> rules, List<Jump> jumps) {
    this.rules = List.copyOf(rules);
    this.jumps = List.copyOf(jumps);
  }

  /** The rules that redirect. */
  public static RuleSet of(PodTraffic traffic, Family family, Dialect dialect) {
    var rules = new ArrayList<Rule>();
    var jumps = new ArrayList<Jump>();
    var words = new FamilyWords(traffic, family, dialect);
    if (traffic.has(Direction.OUTBOUND)) {
      OutboundRules.isolated(words, rules, jumps);
      OutboundRules.pings(words, rules, jumps);
      OutboundRules.datagrams(words, rules, jumps);
      OutboundRules.untranslated(words, rules, jumps);
      OutboundRules.redirected(words, rules, jumps);
      OutboundRules.forwarded(rules, jumps);
    }
    if (traffic.has(Direction.INBOUND)) {
      InboundRules.redirected(words, rules, jumps);
    }
    return new RuleSet(rules, jumps);
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
      OutboundRules.isolated(words, rules, jumps);
      OutboundRules.pings(words, rules, jumps);
      OutboundRules.datagrams(words, rules, jumps);
      OutboundRules.refused(words, rules, jumps);
      OutboundRules.forwarded(rules, jumps);
    }
    if (traffic.has(Direction.INBOUND)) {
      InboundRules.refused(words, rules, jumps);
    }
    return new RuleSet(rules, jumps);
  }

  /** In the order in which packets meet them. */
  public List<Rule> rules() {
    return rules;
  }

  /** Packets of each meaning, by those that each rule has counted ({@link SavedRules#packets}). */
  Map<Rule.Meaning, Long> counts(Map<String, List<Long>> packets) {
    Map<String, Integer> next = new HashMap<>();
    Map<Rule.Meaning, Long> counts = new HashMap<>();
    for (Rule rule : rules) {
      int index = next.merge(rule.place(), 1, Integer::sum) - 1;
      List<Long> ofChain = packets.getOrDefault(rule.place(), List.of());
      if (index < ofChain.size() && ofChain.get(index) > 0) {
        rule.meaning().ifPresent(meaning -> counts.merge(meaning, ofChain.get(index), Long::sum));
      }
    }
    return counts;
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

  /** The inbound table of docs/interception.md, question by question. */
  static final class InboundRules {
    private InboundRules() {}

    static void redirected(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
      jumps.add(
          new Jump(
              Rule.Table.NAT,
              "PREROUTING",
              FamilyWords.FIRST_SEGMENT + " -j " + RuleSet.PREROUTING_CHAIN));
      var chain =
          new ChainWriter(Rule.Table.NAT, RuleSet.PREROUTING_CHAIN, Direction.INBOUND, rules);
      chain.divert(words.toInboundListener(), words.arrivingPathCheck());
      write(words, chain, words.toInboundListener(), Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
      refuseUntranslated(words, rules, jumps);
    }

    /**
     * The nat table is asked only about what is new to connection tracking. What that takes for
     * invalid, is told not to track, or takes for a repetition of an attempt that was reset within
     * ten seconds, from the same ports and before these rules, would reach the application itself.
     * Refused here, where what was redirected has the listener's port.
     */
    private static void refuseUntranslated(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
      jumps.add(inputJump());
      var chain = new ChainWriter(Rule.Table.FILTER, RuleSet.INPUT_CHAIN, Direction.INBOUND, rules);
      chain.skip("-i lo");
      chain.skip(words.port("tcp", words.inboundPort()));
      words.excludedAddresses().forEach(chain::skip);
      words.excludedInboundPorts().forEach(chain::skip);
      words.probes().forEach(chain::skip);
      chain.add(words.refuseTcp(), Outcome.REFUSED, Reason.PROXY_UNAVAILABLE, FamilyWords.TCP);
    }

    private static Jump inputJump() {
      return new Jump(
          Rule.Table.FILTER, "INPUT", FamilyWords.FIRST_SEGMENT + " -j " + RuleSet.INPUT_CHAIN);
    }

    static void refused(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
      jumps.add(inputJump());
      write(
          words,
          new ChainWriter(Rule.Table.FILTER, RuleSet.INPUT_CHAIN, Direction.INBOUND, rules),
          words.refuseTcp(),
          Outcome.REFUSED,
          Reason.PROTOCOL_REFUSED);
    }

    private static void write(
        FamilyWords words, ChainWriter chain, String target, Outcome outcome, Reason reason) {
      // The pod talking to itself, and the proxy to the application: both arrive over loopback.
      chain.skip("-i lo");
      chain.pass(words.excludedAddresses(), Reason.EXCLUDED_INTERFACE);
      chain.pass(words.excludedInboundPorts(), Reason.EXCLUDED_PORT);
      chain.pass(words.probes(), Reason.NODE_PROBE);
      chain.add(target, outcome, reason, FamilyWords.TCP);
    }
  }

  /**
   * The way from a built-in chain into an own one; always at the top of the built-in chain.
   *
   * @param table of both chains
   * @param builtIn such as OUTPUT
   * @param specification matches and target
   */
  record Jump(Rule.Table table, String builtIn, String specification) {}
}
