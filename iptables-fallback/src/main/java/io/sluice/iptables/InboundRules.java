package io.sluice.iptables;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.List;

/** The inbound table of docs/interception.md, question by question. */
final class InboundRules {
  private InboundRules() {}

  static void redirected(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    jumps.add(
        new Jump(
            Rule.Table.NAT,
            "PREROUTING",
            words.interceptedTcp() + " -j " + RuleSet.PREROUTING_CHAIN));
    var chain = new ChainWriter(Rule.Table.NAT, RuleSet.PREROUTING_CHAIN, Direction.INBOUND, rules);
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
