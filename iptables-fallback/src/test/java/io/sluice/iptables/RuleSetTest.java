package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.Openings;
import io.sluice.mesh.PingMode;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RuleSetTest {
  /** Metadata and pings are another test's. */
  private static final Openings OPEN = new Openings(List.of(), MetadataMode.ALLOW, PingMode.ALLOW);

  private static final FamilyPorts OUTBOUND = new FamilyPorts(50_001, 60_001);
  private static final FamilyPorts INBOUND = new FamilyPorts(50_006, 60_006);

  private static final PodTraffic PLAIN =
      TestPod.simple(
          new InterceptionSettings(
              Set.of(), Set.of(), List.of(), List.of(), Set.of(), OPEN, List.of()),
          Set.of(IpAddresses.parse("10.0.0.2"), IpAddresses.parse("fd00::2")),
          false,
          true,
          OUTBOUND,
          INBOUND);

  private static final InterceptionSettings LISTS =
      new InterceptionSettings(
          Set.of(9443, 5432),
          Set.of(8081),
          List.of(Cidr.parse("10.1.0.0/16")),
          List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("fd00::/8")),
          Set.of("net1"),
          OPEN,
          List.of());

  /** Every kind of rule at once. */
  private static PodTraffic everything(boolean permissive) {
    return everything(permissive, "net1");
  }

  private static PodTraffic everything(boolean permissive, String excludedInterface) {
    return new PodTraffic(
        LISTS,
        new PodTraffic.Probes(
            Set.of(9090), Set.of(IpAddresses.parse("10.0.0.1"), IpAddresses.parse("fd00::1"))),
        PLAIN.primary(),
        PLAIN.own(),
        Set.of(IpAddresses.parse("10.9.0.5")),
        Set.of(Cidr.parse("10.9.0.0/24")),
        Set.of(excludedInterface),
        Set.of("net2"),
        permissive,
        true,
        OUTBOUND,
        INBOUND,
        EnumSet.allOf(Direction.class),
        Set.of());
  }

  @Test
  void believesNoMarkWhereItKnowsTheProxysCgroup() {
    Dialect dialect = Dialect.FULL.tellingProxyBy("sluice-node-1");

    String byMark = RuleSet.of(everything(false), Family.IPV4, Dialect.FULL).render();
    String byCgroup = RuleSet.of(everything(false), Family.IPV4, dialect).render();

    assertThat(byCgroup)
        .contains("-A SLUICE_OUTPUT -m cgroup --path sluice-node-1 -j RETURN")
        .doesNotContain("-m mark")
        .isEqualTo(
            byMark.replace("-m mark --mark 0x51ce/0xffff", "-m cgroup --path sluice-node-1"));
  }

  @Test
  void rendersAPlainPod() {
    assertThat(RuleSet.of(PLAIN, Family.IPV4, Dialect.FULL).render())
        .isEqualTo(
            """
            *nat
            :SLUICE_OUTPUT - [0:0]
            :SLUICE_PREROUTING - [0:0]
            -A SLUICE_OUTPUT -d 192.0.2.1/32 -p tcp -m tcp --dport 15009 -j DNAT --to-destination 10.0.0.2:50001
            -A SLUICE_OUTPUT -m mark --mark 0x51ce/0xffff -j RETURN
            -A SLUICE_OUTPUT -d 127.0.0.0/8 -j RETURN
            -A SLUICE_OUTPUT -d 10.0.0.2/32 -j RETURN
            -A SLUICE_OUTPUT -d 169.254.0.0/16 -j RETURN
            -A SLUICE_OUTPUT -p tcp -j DNAT --to-destination 10.0.0.2:50001
            -A SLUICE_PREROUTING ! -i lo -p tcp -m tcp --sport 15009 --dport 15009 -j REDIRECT --to-ports 50006
            -A SLUICE_PREROUTING -i lo -j RETURN
            -A SLUICE_PREROUTING -p tcp -j REDIRECT --to-ports 50006
            -I OUTPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_OUTPUT
            -I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_PREROUTING
            COMMIT
            *filter
            :SLUICE_OUTPUT - [0:0]
            :SLUICE_CHECK - [0:0]
            :SLUICE_TCP - [0:0]
            :SLUICE_FORWARD - [0:0]
            :SLUICE_INPUT - [0:0]
            -A SLUICE_OUTPUT -m mark --mark 0x51ce/0xffff -j RETURN
            -A SLUICE_OUTPUT -p 33 -j DROP
            -A SLUICE_OUTPUT -p 115 -j DROP
            -A SLUICE_OUTPUT -p 132 -j DROP
            -A SLUICE_OUTPUT -p 136 -j DROP
            -A SLUICE_OUTPUT ! -p udp -j RETURN
            -A SLUICE_OUTPUT -d 127.0.0.0/8 -o lo -j RETURN
            -A SLUICE_OUTPUT -d 10.0.0.2/32 -o lo -j RETURN
            -A SLUICE_OUTPUT -d 127.0.0.0/8 -j DROP
            -A SLUICE_OUTPUT -d 10.0.0.2/32 -j DROP
            -A SLUICE_OUTPUT -d 169.254.0.0/16 -j RETURN
            -A SLUICE_OUTPUT -p udp -m udp --dport 53 -j DROP
            -A SLUICE_OUTPUT -j DROP
            -A SLUICE_CHECK -p tcp -m tcp --dport 15009 -j DROP
            -A SLUICE_TCP -d 10.0.0.2/32 -p tcp -m tcp --dport 50001 -j RETURN
            -A SLUICE_TCP -m mark --mark 0x51ce/0xffff -j RETURN
            -A SLUICE_TCP -d 127.0.0.0/8 -o lo -j RETURN
            -A SLUICE_TCP -d 10.0.0.2/32 -o lo -j RETURN
            -A SLUICE_TCP -d 127.0.0.0/8 -j DROP
            -A SLUICE_TCP -d 10.0.0.2/32 -j DROP
            -A SLUICE_TCP -d 169.254.0.0/16 -j RETURN
            -A SLUICE_TCP -p tcp -j REJECT --reject-with tcp-reset
            -A SLUICE_FORWARD -j DROP
            -A SLUICE_INPUT -i lo -j RETURN
            -A SLUICE_INPUT -p tcp -m tcp --dport 50006 -j RETURN
            -A SLUICE_INPUT -p tcp -j REJECT --reject-with tcp-reset
            -I OUTPUT 1 ! -p tcp -j SLUICE_OUTPUT
            -I OUTPUT 2 -d 192.0.2.1/32 -p tcp -j SLUICE_CHECK
            -I OUTPUT 3 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_TCP
            -I FORWARD 1 -j SLUICE_FORWARD
            -I INPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_INPUT
            COMMIT
            """);
  }

  @Test
  void rendersIpv6WithItsOwnAddressesAndTheLeastModules() {
    assertThat(RuleSet.of(PLAIN, Family.IPV6, Dialect.MINIMAL).render())
        .contains(
            """
            *nat
            :SLUICE_OUTPUT - [0:0]
            :SLUICE_PREROUTING - [0:0]
            -A SLUICE_OUTPUT -d 2001:db8::1/128 -p tcp -m tcp --dport 15009 -j REDIRECT --to-ports 60001
            -A SLUICE_OUTPUT -m mark --mark 0x51ce/0xffff -j RETURN
            -A SLUICE_OUTPUT -d ::1/128 -j RETURN
            -A SLUICE_OUTPUT -d 100:0:0:1::/64 -j RETURN
            -A SLUICE_OUTPUT -d fd00::2/128 -j RETURN
            -A SLUICE_OUTPUT -d fe80::/10 -j RETURN
            -A SLUICE_OUTPUT -p tcp -j REDIRECT --to-ports 60001
            """)
        .doesNotContain("127.0.0.0", "10.0.0.2", "DNAT", "REJECT");
  }

  @Test
  void asksTheQuestionsInTheOrderOfTheContract() {
    assertThat(RuleSet.of(everything(false), Family.IPV4, Dialect.FULL).render())
        .isEqualTo(
            """
            *nat
            :SLUICE_OUTPUT - [0:0]
            :SLUICE_PREROUTING - [0:0]
            -A SLUICE_OUTPUT -d 192.0.2.1/32 -p tcp -m tcp --dport 15009 -j DNAT --to-destination 10.0.0.2:50001
            -A SLUICE_OUTPUT -m mark --mark 0x51ce/0xffff -j RETURN
            -A SLUICE_OUTPUT -d 127.0.0.0/8 -j RETURN
            -A SLUICE_OUTPUT -d 10.0.0.2/32 -j RETURN
            -A SLUICE_OUTPUT -d 10.9.0.5/32 -j RETURN
            -A SLUICE_OUTPUT -d 169.254.0.0/16 -j RETURN
            -A SLUICE_OUTPUT -o net1 -j RETURN
            -A SLUICE_OUTPUT -o net2 -j RETURN
            -A SLUICE_OUTPUT -p tcp -m tcp --dport 5432 -j RETURN
            -A SLUICE_OUTPUT -p tcp -m tcp --dport 9443 -j RETURN
            -A SLUICE_OUTPUT -d 10.1.0.0/16 -j RETURN
            -A SLUICE_OUTPUT -d 10.9.0.0/24 -j RETURN
            -A SLUICE_OUTPUT -d 10.0.0.0/8 -p tcp -j DNAT --to-destination 10.0.0.2:50001
            -A SLUICE_OUTPUT -j RETURN
            -A SLUICE_PREROUTING ! -i lo -p tcp -m tcp --sport 15009 --dport 15009 -j REDIRECT --to-ports 50006
            -A SLUICE_PREROUTING -i lo -j RETURN
            -A SLUICE_PREROUTING -d 10.9.0.5/32 -j RETURN
            -A SLUICE_PREROUTING -p tcp -m tcp --dport 8081 -j RETURN
            -A SLUICE_PREROUTING -s 10.0.0.1/32 -p tcp -m tcp --dport 9090 -j RETURN
            -A SLUICE_PREROUTING -p tcp -j REDIRECT --to-ports 50006
            -I OUTPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_OUTPUT
            -I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_PREROUTING
            COMMIT
            *filter
            :SLUICE_OUTPUT - [0:0]
            :SLUICE_CHECK - [0:0]
            :SLUICE_TCP - [0:0]
            :SLUICE_FORWARD - [0:0]
            :SLUICE_INPUT - [0:0]
            -A SLUICE_OUTPUT -m mark --mark 0x51ce/0xffff -j RETURN
            -A SLUICE_OUTPUT -p 33 -j DROP
            -A SLUICE_OUTPUT -p 115 -j DROP
            -A SLUICE_OUTPUT -p 132 -j DROP
            -A SLUICE_OUTPUT -p 136 -j DROP
            -A SLUICE_OUTPUT ! -p udp -j RETURN
            -A SLUICE_OUTPUT -d 127.0.0.0/8 -o lo -j RETURN
            -A SLUICE_OUTPUT -d 10.0.0.2/32 -o lo -j RETURN
            -A SLUICE_OUTPUT -d 10.9.0.5/32 -o lo -j RETURN
            -A SLUICE_OUTPUT -d 127.0.0.0/8 -j DROP
            -A SLUICE_OUTPUT -d 10.0.0.2/32 -j DROP
            -A SLUICE_OUTPUT -d 10.9.0.5/32 -j DROP
            -A SLUICE_OUTPUT -d 169.254.0.0/16 -j RETURN
            -A SLUICE_OUTPUT -o net1 -j RETURN
            -A SLUICE_OUTPUT -o net2 -j DROP
            -A SLUICE_OUTPUT -p udp -m udp --dport 5432 -j RETURN
            -A SLUICE_OUTPUT -p udp -m udp --dport 9443 -j RETURN
            -A SLUICE_OUTPUT -d 10.1.0.0/16 -j RETURN
            -A SLUICE_OUTPUT -d 10.9.0.0/24 -j RETURN
            -A SLUICE_OUTPUT -d 10.0.0.0/8 -p udp -m udp --dport 53 -j DROP
            -A SLUICE_OUTPUT -d 10.0.0.0/8 -j DROP
            -A SLUICE_OUTPUT -j RETURN
            -A SLUICE_CHECK -p tcp -m tcp --dport 15009 -j DROP
            -A SLUICE_TCP -d 10.0.0.2/32 -p tcp -m tcp --dport 50001 -j RETURN
            -A SLUICE_TCP -m mark --mark 0x51ce/0xffff -j RETURN
            -A SLUICE_TCP -d 127.0.0.0/8 -o lo -j RETURN
            -A SLUICE_TCP -d 10.0.0.2/32 -o lo -j RETURN
            -A SLUICE_TCP -d 10.9.0.5/32 -o lo -j RETURN
            -A SLUICE_TCP -d 127.0.0.0/8 -j DROP
            -A SLUICE_TCP -d 10.0.0.2/32 -j DROP
            -A SLUICE_TCP -d 10.9.0.5/32 -j DROP
            -A SLUICE_TCP -d 169.254.0.0/16 -j RETURN
            -A SLUICE_TCP -o net1 -j RETURN
            -A SLUICE_TCP -o net2 -p tcp -j REJECT --reject-with tcp-reset
            -A SLUICE_TCP -p tcp -m tcp --dport 5432 -j RETURN
            -A SLUICE_TCP -p tcp -m tcp --dport 9443 -j RETURN
            -A SLUICE_TCP -d 10.1.0.0/16 -j RETURN
            -A SLUICE_TCP -d 10.9.0.0/24 -j RETURN
            -A SLUICE_TCP -d 10.0.0.0/8 -p tcp -j REJECT --reject-with tcp-reset
            -A SLUICE_TCP -j RETURN
            -A SLUICE_FORWARD -j DROP
            -A SLUICE_INPUT -i lo -j RETURN
            -A SLUICE_INPUT -p tcp -m tcp --dport 50006 -j RETURN
            -A SLUICE_INPUT -d 10.9.0.5/32 -j RETURN
            -A SLUICE_INPUT -p tcp -m tcp --dport 8081 -j RETURN
            -A SLUICE_INPUT -s 10.0.0.1/32 -p tcp -m tcp --dport 9090 -j RETURN
            -A SLUICE_INPUT -p tcp -j REJECT --reject-with tcp-reset
            -I OUTPUT 1 ! -p tcp -j SLUICE_OUTPUT
            -I OUTPUT 2 -d 192.0.2.1/32 -p tcp -j SLUICE_CHECK
            -I OUTPUT 3 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_TCP
            -I FORWARD 1 -j SLUICE_FORWARD
            -I INPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_INPUT
            COMMIT
            """);
  }

  @Test
  void rendersInboundRulesAloneWhereAnotherMechanismHasTheOutboundOnes() {
    assertThat(
            RuleSet.of(
                    TestPod.only(everything(false), Set.of(Direction.INBOUND)),
                    Family.IPV4,
                    Dialect.FULL)
                .render())
        .isEqualTo(
            """
            *nat
            :SLUICE_PREROUTING - [0:0]
            -A SLUICE_PREROUTING ! -i lo -p tcp -m tcp --sport 15009 --dport 15009 -j REDIRECT --to-ports 50006
            -A SLUICE_PREROUTING -i lo -j RETURN
            -A SLUICE_PREROUTING -d 10.9.0.5/32 -j RETURN
            -A SLUICE_PREROUTING -p tcp -m tcp --dport 8081 -j RETURN
            -A SLUICE_PREROUTING -s 10.0.0.1/32 -p tcp -m tcp --dport 9090 -j RETURN
            -A SLUICE_PREROUTING -p tcp -j REDIRECT --to-ports 50006
            -I PREROUTING 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_PREROUTING
            COMMIT
            *filter
            :SLUICE_INPUT - [0:0]
            -A SLUICE_INPUT -i lo -j RETURN
            -A SLUICE_INPUT -p tcp -m tcp --dport 50006 -j RETURN
            -A SLUICE_INPUT -d 10.9.0.5/32 -j RETURN
            -A SLUICE_INPUT -p tcp -m tcp --dport 8081 -j RETURN
            -A SLUICE_INPUT -s 10.0.0.1/32 -p tcp -m tcp --dport 9090 -j RETURN
            -A SLUICE_INPUT -p tcp -j REJECT --reject-with tcp-reset
            -I INPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_INPUT
            COMMIT
            """);
  }

  @Test
  void refusesInboundIpv6AloneWhereItCannotBeRedirectedAndOutboundIsLeftToAnotherMechanism() {
    assertThat(
            RuleSet.ipv6Refused(
                    TestPod.only(everything(true), Set.of(Direction.INBOUND)), Dialect.FULL)
                .render())
        .isEqualTo(
            """
            *filter
            :SLUICE_INPUT - [0:0]
            -A SLUICE_INPUT -i lo -j RETURN
            -A SLUICE_INPUT -p tcp -m tcp --dport 8081 -j RETURN
            -A SLUICE_INPUT -s fd00::1/128 -p tcp -m tcp --dport 9090 -j RETURN
            -A SLUICE_INPUT -p tcp -j REJECT --reject-with tcp-reset
            -I INPUT 1 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SLUICE_INPUT
            COMMIT
            """);
  }

  @Test
  void refusesToRenderNoDirection() {
    assertThatThrownBy(() -> TestPod.only(PLAIN, Set.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no direction");
  }

  @Test
  void refusesOnlyWhatShouldHaveBeenRedirectedInPermissiveMode() {
    RuleSet rules = RuleSet.of(everything(true), Family.IPV4, Dialect.FULL);

    assertThat(rules.rules())
        .filteredOn(rule -> !rule.chain().equals(RuleSet.CHECK_CHAIN)) // no traffic
        .filteredOn(rule -> !rule.chain().equals(RuleSet.FORWARD_CHAIN))
        .filteredOn(
            rule -> rule.meaning().map(meaning -> meaning.reason() != Reason.STRAYED).orElse(true))
        .filteredOn(rule -> rule.target().contains("DROP") || rule.target().contains("REJECT"))
        .hasSize(2)
        .allMatch(rule -> rule.meaning().orElseThrow().reason() == Reason.PROXY_UNAVAILABLE);
  }

  @Test
  void exclusionBeatsInclusionOfTheSameRange() {
    var settings =
        new InterceptionSettings(
            Set.of(),
            Set.of(),
            List.of(Cidr.parse("10.0.0.0/8")),
            List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("10.2.0.0/16")),
            Set.of());

    assertThat(
            RuleSet.of(
                    TestPod.simple(settings, PLAIN.own(), false, true, OUTBOUND, INBOUND),
                    Family.IPV4,
                    Dialect.FULL)
                .rules())
        .filteredOn(rule -> rule.table() == Rule.Table.NAT)
        .filteredOn(rule -> rule.chain().equals("SLUICE_OUTPUT"))
        .flatExtracting(rule -> rule.meaning().stream().map(Rule.Meaning::reason).toList())
        .containsSubsequence(
            Reason.EXCLUDED_RANGE, Reason.MESH_TRAFFIC, Reason.MESH_TRAFFIC, Reason.NOT_INCLUDED);
  }

  @Test
  void inclusionsOfIpv4LeaveNoIpv6Included() {
    var settings =
        new InterceptionSettings(
            Set.of(), Set.of(), List.of(), List.of(Cidr.parse("10.0.0.0/8")), Set.of());

    assertThat(
            RuleSet.of(
                    TestPod.simple(settings, PLAIN.own(), false, true, OUTBOUND, INBOUND),
                    Family.IPV6,
                    Dialect.FULL)
                .rules())
        .filteredOn(rule -> rule.chain().equals("SLUICE_OUTPUT"))
        .noneMatch(
            rule -> rule.meaning().map(m -> m.reason() == Reason.MESH_TRAFFIC).orElse(false));
  }

  @Test
  void refusesIpv6ThatCannotBeRedirectedInPermissiveModeToo() {
    String text = RuleSet.ipv6Refused(everything(true), Dialect.FULL).render();

    assertThat(text)
        .doesNotContain("*nat")
        .contains("-A SLUICE_TCP -p tcp -m tcp --dport 9443 -j RETURN")
        .contains("-A SLUICE_TCP -d fd00::/8 -p tcp -j REJECT --reject-with tcp-reset")
        .contains("-A SLUICE_INPUT -i lo -j RETURN")
        .contains("-A SLUICE_INPUT -p tcp -j REJECT --reject-with tcp-reset");
  }

  @Test
  void leavesOutTheResetWhereTheKernelHasNone() {
    assertThat(RuleSet.ipv6Refused(PLAIN, Dialect.MINIMAL).render())
        .contains("-A SLUICE_TCP -p tcp -j DROP")
        .doesNotContain("REJECT");
  }

  @Test
  void rendersTheSameTextForTheSameSettings() {
    assertThat(RuleSet.of(everything(false), Family.IPV4, Dialect.FULL).render())
        .isEqualTo(RuleSet.of(everything(false), Family.IPV4, Dialect.FULL).render());
  }

  @Test
  void refusesInterfaceNamesThatWouldChangeTheMeaningOfARule() {
    for (String name : List.of("eth+", "a b", "-j", "x\n-A OUTPUT", "!lo", "", "a'b")) {
      assertThatThrownBy(() -> everything(false, name))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("interface name");
    }
  }
}
