package io.sluice.iptables;

import io.sluice.iptables.RuleSet.ChainWriter;
import io.sluice.iptables.RuleSet.Jump;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.ArrayList;
import java.util.List;

/** The outbound table of docs/interception.md, question by question. */
final class OutboundRules {
  /** DCCP, L2TP, SCTP, UDP-Lite: the transports besides TCP and UDP that need no raw socket. */
  private static final List<Integer> OTHER_TRANSPORTS = List.of(33, 115, 132, 136);

  private static final String BUILT_IN = "OUTPUT";

  private OutboundRules() {}

  /** Everything but TCP. */
  static void datagrams(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    var chain = new ChainWriter(Rule.Table.FILTER, RuleSet.OUTPUT_CHAIN, Direction.OUTBOUND, rules);
    jumps.add(new Jump(Rule.Table.FILTER, BUILT_IN, "! -p tcp -j " + RuleSet.OUTPUT_CHAIN));
    boolean permissive = words.traffic().permissive();
    chain.pass(words.proxySocket(), Reason.PROXY_SOCKET);
    for (int transport : OTHER_TRANSPORTS) {
      if (permissive) {
        chain.pass("-p " + transport, Reason.PROTOCOL_PERMISSIVE);
      } else {
        chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.PROTOCOL_REFUSED, "-p " + transport);
      }
    }
    chain.pass("! -p udp", Reason.RAW_SOCKET);
    mustStayInPod(words, chain);
    for (String metadata : words.refusedMetadata("udp")) {
      chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.METADATA_REFUSED, metadata);
    }
    chain.pass(words.linkLocal(), Reason.LINK_LOCAL);
    chain.pass(words.excludedInterfaces(), Reason.EXCLUDED_INTERFACE);
    for (String other : words.otherInterfaces()) {
      if (permissive) {
        chain.pass(other, Reason.OTHER_INTERFACE);
      } else {
        chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.OTHER_INTERFACE, other);
      }
    }
    chain.pass(words.excludedOutboundPorts("udp"), Reason.EXCLUDED_PORT);
    chain.pass(words.excludedRanges(), Reason.EXCLUDED_RANGE);
    for (String isolated : words.isolated()) {
      chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.DATAGRAM_ISOLATED, isolated);
    }
    String dns = words.port("udp", MeshPorts.DNS);
    for (String resolver : words.resolvers()) {
      chain.add(FamilyWords.RETURN, Outcome.PASSTHROUGH, Reason.DNS, resolver, dns);
    }
    if (!permissive) {
      chain.pass(words.grantedDatagrams(), Reason.DATAGRAM_GRANTED);
    }
    for (String included : words.hasInclusions() ? words.inclusions() : List.of("")) {
      if (permissive) {
        chain.pass(included, Reason.DATAGRAM_PERMISSIVE);
      } else {
        chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.DNS_REFUSED, included, dns);
        chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.DATAGRAM_REFUSED, included);
      }
    }
    if (words.hasInclusions()) {
      chain.pass("", Reason.NOT_INCLUDED);
    }
  }

  /**
   * What is neither TCP nor UDP and needs no raw socket, to isolated ranges: the rest goes on to
   * the next chain. Other transports go nowhere where the mesh is strict.
   */
  static void isolated(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    boolean permissive = words.traffic().permissive();
    List<String> isolated = words.isolated();
    if (isolated.isEmpty()) {
      return;
    }
    List<String> asked = new ArrayList<>(words.pings());
    if (permissive) {
      OTHER_TRANSPORTS.forEach(transport -> asked.add("-p " + transport));
    }
    for (String one : asked) {
      jumps.add(new Jump(Rule.Table.FILTER, BUILT_IN, one + " -j " + RuleSet.ISOLATED_CHAIN));
    }
    ChainWriter chain = withoutExclusions(words, RuleSet.ISOLATED_CHAIN, rules);
    if (permissive) {
      words.otherInterfaces().forEach(chain::skip);
    }
    for (String range : isolated) {
      chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.DATAGRAM_ISOLATED, range);
    }
  }

  /** Echo requests that carry more than a ping: what is not refused goes on to the next chain. */
  static void pings(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    if (words.refusedPings().isEmpty()) {
      return;
    }
    for (String ping : words.refusedPings()) {
      jumps.add(new Jump(Rule.Table.FILTER, BUILT_IN, ping + " -j " + RuleSet.PING_CHAIN));
    }
    ChainWriter chain = withoutExclusions(words, RuleSet.PING_CHAIN, rules);
    for (String included : words.hasInclusions() ? words.inclusions() : List.of("")) {
      chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.PING_REFUSED, included);
    }
  }

  private static ChainWriter withoutExclusions(FamilyWords words, String name, List<Rule> rules) {
    var chain = new ChainWriter(Rule.Table.FILTER, name, Direction.OUTBOUND, rules).silent();
    chain.skip("-o lo");
    chain.skip(words.linkLocal());
    words.excludedInterfaces().forEach(chain::skip);
    words.excludedRanges().forEach(chain::skip);
    return chain;
  }

  /**
   * Met after the nat table: what it should have redirected and has not, being asked only about
   * what is new to connection tracking, and what it cannot refuse. It has counted what passes.
   */
  static void untranslated(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    containPathChecks(words, rules, jumps);
    ChainWriter chain = tcpChain(rules, jumps).silent();
    // What has just been redirected shows the interface that it would have left by.
    chain.skip(words.redirectedTo() + " " + words.port("tcp", words.outboundPort()));
    refuse(words, chain, Reason.PROXY_UNAVAILABLE);
  }

  /** What belongs to no socket of the pod, so that no other chain is asked. */
  static void forwarded(List<Rule> rules, List<Jump> jumps) {
    jumps.add(new Jump(Rule.Table.FILTER, "FORWARD", "-j " + RuleSet.FORWARD_CHAIN));
    new ChainWriter(Rule.Table.FILTER, RuleSet.FORWARD_CHAIN, Direction.OUTBOUND, rules)
        .add(FamilyWords.DROP, Outcome.REFUSED, Reason.FORWARDED);
  }

  /** TCP. */
  static void redirected(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    var chain = new ChainWriter(Rule.Table.NAT, RuleSet.OUTPUT_CHAIN, Direction.OUTBOUND, rules);
    jumps.add(
        new Jump(
            Rule.Table.NAT, BUILT_IN, FamilyWords.FIRST_SEGMENT + " -j " + RuleSet.OUTPUT_CHAIN));
    chain.divert(
        words.toOutboundListener(),
        words.pathCheckDestination(),
        words.port("tcp", MeshPorts.PATH_CHECK));
    chain.pass(words.proxySocket(), Reason.PROXY_SOCKET);
    staysInPod(words, chain);
    words.refusedMetadata("tcp").forEach(chain::skip); // as below
    chain.pass(words.linkLocal(), Reason.LINK_LOCAL);
    chain.pass(words.excludedInterfaces(), Reason.EXCLUDED_INTERFACE);
    for (String other : words.otherInterfaces()) {
      if (words.traffic().permissive()) {
        chain.pass(other, Reason.OTHER_INTERFACE);
      } else {
        chain.skip(other); // refused and counted by the filter table, which comes next
      }
    }
    decideDestination(
        words, chain, words.toOutboundListener(), Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
  }

  /** A check that nothing redirected must not leave the pod. */
  private static void containPathChecks(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    jumps.add(
        new Jump(
            Rule.Table.FILTER,
            BUILT_IN,
            words.pathCheckDestination() + " -p tcp -j " + RuleSet.CHECK_CHAIN));
    new ChainWriter(Rule.Table.FILTER, RuleSet.CHECK_CHAIN, Direction.OUTBOUND, rules)
        .divert(FamilyWords.DROP, words.port("tcp", MeshPorts.PATH_CHECK));
  }

  /** TCP that cannot be redirected for want of a nat table. */
  static void refused(FamilyWords words, List<Rule> rules, List<Jump> jumps) {
    refuse(words, tcpChain(rules, jumps), Reason.PROTOCOL_REFUSED);
  }

  private static void refuse(FamilyWords words, ChainWriter chain, Reason reason) {
    chain.pass(words.proxySocket(), Reason.PROXY_SOCKET);
    mustStayInPod(words, chain);
    for (String metadata : words.refusedMetadata("tcp")) {
      chain.add(words.refuseTcp(), Outcome.REFUSED, Reason.METADATA_REFUSED, metadata);
    }
    chain.pass(words.linkLocal(), Reason.LINK_LOCAL);
    chain.pass(words.excludedInterfaces(), Reason.EXCLUDED_INTERFACE);
    for (String other : words.otherInterfaces()) {
      if (words.traffic().permissive()) {
        chain.pass(other, Reason.OTHER_INTERFACE);
      } else {
        // Only TCP is rejected with a reset; the kernel wants to see that in the rule itself.
        chain.add(
            words.refuseTcp(), Outcome.REFUSED, Reason.OTHER_INTERFACE, other, FamilyWords.TCP);
      }
    }
    decideDestination(words, chain, words.refuseTcp(), Outcome.REFUSED, reason);
  }

  private static ChainWriter tcpChain(List<Rule> rules, List<Jump> jumps) {
    jumps.add(
        new Jump(
            Rule.Table.FILTER, BUILT_IN, FamilyWords.FIRST_SEGMENT + " -j " + RuleSet.TCP_CHAIN));
    return new ChainWriter(Rule.Table.FILTER, RuleSet.TCP_CHAIN, Direction.OUTBOUND, rules);
  }

  /**
   * The same where the way out is known: a socket may name an interface for what is addressed to
   * the pod itself, and it would leave by that.
   */
  private static void mustStayInPod(FamilyWords words, ChainWriter chain) {
    words
        .loopback()
        .forEach(inside -> chain.pass(inside + FamilyWords.OVER_LOOPBACK, Reason.LOOPBACK));
    words.own().forEach(own -> chain.pass(own + FamilyWords.OVER_LOOPBACK, Reason.SELF));
    words
        .loopback()
        .forEach(inside -> chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.STRAYED, inside));
    words.own().forEach(own -> chain.add(FamilyWords.DROP, Outcome.REFUSED, Reason.STRAYED, own));
  }

  private static void staysInPod(FamilyWords words, ChainWriter chain) {
    chain.pass(words.loopback(), Reason.LOOPBACK);
    chain.pass(words.own(), Reason.SELF);
  }

  /** Exclusions come first, so that they beat inclusions. */
  private static void decideDestination(
      FamilyWords words, ChainWriter chain, String target, Outcome outcome, Reason reason) {
    chain.pass(words.excludedOutboundPorts("tcp"), Reason.EXCLUDED_PORT);
    chain.pass(words.excludedRanges(), Reason.EXCLUDED_RANGE);
    for (String included : words.hasInclusions() ? words.inclusions() : List.of("")) {
      chain.add(target, outcome, reason, included, FamilyWords.TCP);
    }
    if (words.hasInclusions()) {
      chain.pass("", Reason.NOT_INCLUDED);
    }
  }
}
