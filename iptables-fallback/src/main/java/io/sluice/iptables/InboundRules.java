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
  }

  static void refused(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    jumps.add(
        new Jump(
            Rule.Table.FILTER, "INPUT", FamilyWords.FIRST_SEGMENT + " -j " + RuleSet.INPUT_CHAIN));
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
    chain.add(target, outcome, reason, FamilyWords.TCP);
  }
}
