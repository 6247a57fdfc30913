package io.sluice.kernel;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.PortRuleKey;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.MapCodec;
import io.sluice.mesh.decision.Direction;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Faults in a mechanism, made behind the daemon's back, that a comparison of flows must show. */
enum SeededFault {
  EBPF_OUTBOUND_PORTS_FORGOTTEN(Mechanism.EBPF, ports(Direction.OUTBOUND)),
  EBPF_INBOUND_PORTS_FORGOTTEN(Mechanism.EBPF, ports(Direction.INBOUND)),
  EBPF_OUTBOUND_PROGRAM_READS_INBOUND_PORTS(
      Mechanism.EBPF,
      program(
          InterceptionProgram.CONNECT4,
          "outbound.bpf.h",
          ".direction = DIRECTION_OUTBOUND,",
          ".direction = DIRECTION_INBOUND,")),
  EBPF_OUTBOUND_PROGRAM_TAKES_EVERY_INTERFACE(
      Mechanism.EBPF,
      program(
          InterceptionProgram.CONNECT6,
          "outbound.bpf.h",
          "ifindex == pod->primary_ifindex",
          "ifindex != pod->primary_ifindex")),
  EBPF_DATAGRAM_PROGRAM_LETS_GO(
      Mechanism.EBPF,
      program(
          InterceptionProgram.SENDMSG4,
          "outbound.bpf.h",
          "d.outcome == OUTCOME_REFUSED ? ANSWER_REFUSE",
          "d.outcome == OUTCOME_REFUSED ? ANSWER_PROCEED")),
  EBPF_DATAGRAM_PROGRAM_ASKS_ANY_RESOLVER(
      Mechanism.EBPF,
      program(InterceptionProgram.SENDMSG4, "outbound.bpf.h", "if (dns && (", "if (dns || (")),
  EBPF_OUTBOUND_PROGRAM_LETS_METADATA_GO(
      Mechanism.EBPF,
      program(
          InterceptionProgram.CONNECT6,
          "outbound.bpf.h",
          "if ((rules & RULE_METADATA) &&",
          "if (0 &&")),
  EBPF_INBOUND_PROGRAM_READS_OUTBOUND_PORTS(
      Mechanism.EBPF,
      program(
          InterceptionProgram.SK_LOOKUP,
          "sk_lookup.bpf.c",
          ".direction = DIRECTION_INBOUND,",
          ".direction = DIRECTION_OUTBOUND,")),
  EBPF_INBOUND_PROGRAM_STEERS_EXCLUDED_INTERFACES(
      Mechanism.EBPF,
      program(
          InterceptionProgram.SK_LOOKUP,
          "sk_lookup.bpf.c",
          "*address == POD_ADDRESS_EXCLUDED",
          "*address != POD_ADDRESS_EXCLUDED")),
  EBPF_INBOUND_PROGRAM_STEERS_THE_POD_ITSELF(
      Mechanism.EBPF,
      program(
          InterceptionProgram.SK_LOOKUP,
          "sk_lookup.bpf.c",
          "bpf_map_lookup_elem(&pod_addresses, &source) != 0",
          "0")),
  IPTABLES_OUTBOUND_PORT_RULES_DELETED(
      Mechanism.IPTABLES, rules("-A SLUICE_OUTPUT ", "--dport " + DifferentialTest.FAULTY_PORT)),
  IPTABLES_OTHER_INTERFACE_RULES_DELETED(Mechanism.IPTABLES, rules("-A SLUICE_TCP ", "-o net2")),
  IPTABLES_METADATA_RULES_DELETED(
      Mechanism.IPTABLES, rules("-A SLUICE_TCP ", "-d 169.254.169.254/32")),
  IPTABLES_INBOUND_PORT_RULES_DELETED(
      Mechanism.IPTABLES,
      rules("-A SLUICE_PREROUTING ", "--dport " + DifferentialTest.FAULTY_PORT)),
  IPTABLES_INBOUND_INTERFACE_RULES_DELETED(
      Mechanism.IPTABLES, rules("-A SLUICE_PREROUTING ", "-d 172.30.0.1/32"));

  /** What is done to a site; done anew after the daemon has repaired it. */
  @FunctionalInterface
  interface Deed {
    void on(FlowSite site);
  }

  /** Prepares a deed once: a program is compiled here. */
  @FunctionalInterface
  private interface Plan {
    Deed prepare();
  }

  private final Mechanism mechanism;
  private final Plan plan;

  SeededFault(Mechanism mechanism, Plan plan) {
    this.mechanism = mechanism;
    this.plan = plan;
  }

  Mechanism mechanism() {
    return mechanism;
  }

  Deed prepare() {
    return plan.prepare();
  }

  private static Plan ports(Direction direction) {
    return () ->
        site -> {
          try (BpfMapFd map = BpfMapFd.openPinned(site.view().pins().map("port_rules"))) {
            BpfMap<PortRuleKey, Integer> rules =
                new BpfMap<>(map, PortRuleKey.CODEC, MapCodec.u32());
            rules.snapshot().keySet().stream()
                .filter(key -> key.direction() == direction)
                .forEach(rules::remove);
          }
        };
  }

  private static Plan program(
      InterceptionProgram program, String file, String original, String fault) {
    return () -> {
      MutatedProgram mutated = MutatedProgram.compile(program, file, original, fault);
      return site -> mutated.putInForce(site.view().pins(), site.pod.cookie());
    };
  }

  private static Plan rules(String beginning, String match) {
    return () ->
        site -> {
          for (String program : List.of("iptables-nft", "ip6tables-nft")) {
            for (String table : List.of("nat", "filter")) {
              delete(
                  site.pod,
                  program,
                  table,
                  line -> line.startsWith(beginning) && line.contains(match + " "));
            }
          }
        };
  }

  /** Deletes rules of a pod, by the lines that list them. */
  static void delete(SitePod pod, String program, String table, Predicate<String> which) {
    Commands.run("ip", "netns", "exec", pod.netns(), program + "-save", "-t", table)
        .lines()
        .filter(which)
        .forEach(line -> {
          List<String> words =
              new ArrayList<>(
                  List.of("ip", "netns", "exec", pod.netns(), program, "-t", table, "-D"));
          words.addAll(List.of(line.substring("-A ".length()).split(" ")));
          Commands.run(words.toArray(String[]::new));
        });
  }
}
