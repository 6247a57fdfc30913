package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.Openings;
import io.sluice.mesh.PingMode;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OpeningRulesTest {
  @Test
  void isClosedWhereNobodySaysAnything() {
    assertThat(rules(InterceptionSettings.EVERYTHING, false, Family.IPV4, Dialect.FULL))
        .contains(
            "-A SLUICE_OUTPUT -d 169.254.169.254/32 -p udp -j DROP",
            "-A SLUICE_OUTPUT -p udp -m udp --dport 53 -j DROP",
            "-A SLUICE_TCP -d 169.254.169.254/32 -p tcp -j REJECT --reject-with tcp-reset",
            "-I OUTPUT 1 -p icmp -m icmp --icmp-type 8 -m length --length 93:65535 -j SLUICE_PING",
            "-I OUTPUT 2 -p icmp -m icmp --icmp-type 42 -j SLUICE_PING")
        .containsSubsequence(
            "-A SLUICE_PING -o lo -j RETURN",
            "-A SLUICE_PING -d 169.254.0.0/16 -j RETURN",
            "-A SLUICE_PING -j DROP");
    assertThat(rules(InterceptionSettings.EVERYTHING, false, Family.IPV6, Dialect.FULL))
        .contains(
            "-A SLUICE_OUTPUT -d fd00:ec2::254/128 -p udp -j DROP",
            "-I OUTPUT 1 -p ipv6-icmp -m icmp6 --icmpv6-type 128 -m length --length 113:65535"
                + " -j SLUICE_PING");
  }

  @Test
  void permissiveModeRefusesMetadataAlone() {
    assertThat(rules(InterceptionSettings.EVERYTHING, true, Family.IPV4, Dialect.FULL))
        .contains("-A SLUICE_OUTPUT -d 169.254.169.254/32 -p udp -j DROP")
        .doesNotContain("SLUICE_PING", "--dport 53 -j DROP");
  }

  @Test
  void opensToResolversAndToWhoeverIsNamed() {
    InterceptionSettings settings =
        new InterceptionSettings(
            Set.of(),
            Set.of(),
            List.of(Cidr.parse("fd00:ec2::254")),
            List.of(Cidr.parse("10.0.0.0/8")),
            Set.of(),
            new Openings(
                List.of(
                    Cidr.parse("10.0.0.53"),
                    Cidr.parse("0.0.0.0/0"),
                    Cidr.parse("192.0.2.1"),
                    Cidr.parse("fe80::a9fe:a9fe")),
                MetadataMode.REFUSE,
                PingMode.REFUSE),
            List.of());

    assertThat(rules(settings, false, Family.IPV4, Dialect.MINIMAL))
        .contains(
            "-A SLUICE_OUTPUT -d 169.254.169.254/32 -p udp -m udp ! --dport 53 -j DROP",
            "-A SLUICE_TCP -d 169.254.169.254/32 -p tcp -m tcp ! --dport 53 -j DROP",
            "-A SLUICE_OUTPUT -d 10.0.0.0/8 -p udp -m udp --dport 53 -j RETURN",
            "-A SLUICE_OUTPUT -d 10.0.0.53/32 -p udp -m udp --dport 53 -j RETURN",
            "-I OUTPUT 1 -p icmp -m icmp --icmp-type 8 -j SLUICE_PING")
        .doesNotContain("192.0.2.1/32 -p udp", "length");
    assertThat(rules(settings, false, Family.IPV6, Dialect.FULL))
        .contains(
            "-A SLUICE_TCP -d fe80::a9fe:a9fe/128 -p tcp -m tcp ! --dport 53 -j REJECT",
            "-p ipv6-icmp -m icmp6 --icmpv6-type 160 -j SLUICE_PING")
        .doesNotContain("fd00:ec2::254/128 -p");
  }

  @Test
  void noDatagramGoesToIsolatedRangesAsFarAsTheyAreIncluded() {
    InterceptionSettings settings =
        new InterceptionSettings(
                Set.of(), Set.of(), List.of(), List.of(Cidr.parse("10.0.0.0/8")), Set.of())
            .withResolvers(List.of(Cidr.parse("10.0.0.53")))
            .isolating(
                List.of(
                    Cidr.parse("10.0.0.0/24"),
                    Cidr.parse("192.0.2.0/24"),
                    Cidr.parse("2001:db8::/32")));

    assertThat(rules(settings, true, Family.IPV4, Dialect.FULL))
        .containsSubsequence(
            "-A SLUICE_ISOLATED -d 169.254.0.0/16 -j RETURN",
            "-A SLUICE_ISOLATED -d 10.0.0.0/24 -j DROP",
            "-A SLUICE_OUTPUT -d 10.0.0.0/24 -j DROP",
            "-d 10.0.0.53/32 -p udp -m udp --dport 53",
            "-I OUTPUT 1 -p icmp -m icmp --icmp-type 8 -j SLUICE_ISOLATED",
            "-I OUTPUT 6 -p 136 -j SLUICE_ISOLATED")
        .doesNotContain("192.0.2.0", "2001:db8");
    assertThat(rules(settings, false, Family.IPV4, Dialect.FULL))
        .contains("--icmp-type 42 -j SLUICE_ISOLATED", "-A SLUICE_OUTPUT -p 136 -j DROP")
        .doesNotContain("-p 136 -j SLUICE_ISOLATED");
    assertThat(
            rules(
                InterceptionSettings.EVERYTHING.isolating(settings.isolated()),
                true,
                Family.IPV6,
                Dialect.FULL))
        .contains("-A SLUICE_OUTPUT -d 2001:db8::/32 -j DROP");
  }

  private static String rules(
      InterceptionSettings settings, boolean permissive, Family family, Dialect dialect) {
    PodTraffic traffic =
        TestPod.simple(
            settings,
            Set.of(IpAddresses.parse("10.0.0.2"), IpAddresses.parse("fd00::2")),
            permissive,
            true,
            new FamilyPorts(50_001, 50_001),
            new FamilyPorts(50_006, 50_006));
    return RuleSet.of(traffic, family, dialect).render();
  }
}
