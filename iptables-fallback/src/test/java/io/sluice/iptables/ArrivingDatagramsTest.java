package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.iptables.PodTraffic.Datagram;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ArrivingDatagramsTest {
  private static final InetAddress OWN = IpAddresses.parse("10.0.0.3");
  private static final InetAddress BUYER = IpAddresses.parse("10.0.0.2");
  private static final InetAddress BUYER6 = IpAddresses.parse("fd00::2");
  private static final InetAddress THIEF = IpAddresses.parse("10.0.0.9");
  private static final InetAddress RESOLVER = IpAddresses.parse("10.0.0.53");

  @Test
  void asksNothingWhereThePodIsNotToBeAsked() {
    assertThat(ArrivingDatagrams.NOT_ASKED.render()).isEmpty();
  }

  @Test
  void holdsPeersAndGrantsInSetsOfTheirFamily() {
    ArrivingDatagrams datagrams =
        new ArrivingDatagrams(
            true,
            Set.of(OWN),
            Set.of(BUYER, BUYER6, THIEF, RESOLVER),
            Set.of(RESOLVER),
            Set.of(
                new Datagram(Direction.INBOUND, BUYER, 514),
                new Datagram(Direction.INBOUND, BUYER6, 0),
                new Datagram(Direction.OUTBOUND, THIEF, 514)),
            Set.of(123),
            Set.of(5353, 53),
            Set.of(),
            Set.of("net1"));

    List<String> words = datagrams.render().lines().map(String::strip).toList();

    assertThat(words)
        .contains(
            "set peers4 { type ipv4_addr; elements = { 10.0.0.2, 10.0.0.53, 10.0.0.9 }; }",
            "set peers6 { type ipv6_addr; elements = { fd00::2 }; }",
            "set names4 { type ipv4_addr; elements = { 10.0.0.53 }; }",
            "set names6 { type ipv6_addr; }",
            "set some4 { type ipv4_addr . inet_service; elements = { 10.0.0.2 . 514 }; }",
            "set every4 { type ipv4_addr; }",
            "set every6 { type ipv6_addr; elements = { fd00::2 }; }",
            "set asked4 { type ipv4_addr . inet_service; elements = { 10.0.0.9 . 514 }; }");
    assertThat(words)
        .containsSubsequence(
            "chain answers {",
            "iifname { \"net1\" } accept",
            "udp sport { 123 } accept",
            "ip saddr != @peers4 accept",
            "udp sport 53 ip saddr @names4 accept",
            "ip saddr . udp sport @asked4 accept",
            "ct state established ct direction reply jump answers",
            "udp dport { 53, 5353 } accept",
            "ip saddr . udp dport @some4 accept",
            "ip saddr @every4 accept",
            "ip saddr @peers4 counter name refused4 drop",
            "iifname { \"net1\" } accept",
            "ip6 saddr fe80::/10 counter name refused6 drop",
            "ip saddr @peers4 counter name forged4 drop",
            "udp dport 53 ip daddr @names4 accept",
            "meta l4proto udp ip daddr @peers4 ip saddr != { 10.0.0.3 } counter name forged4 drop",
            "meta l4proto udp ip6 daddr @peers6 counter name forged6 drop");
  }

  @Test
  void asksForNoOwnAddressOfAPodThatHasNoneYet() {
    Set<InetAddress> peers = Set.of(BUYER, BUYER6);

    assertThat(of(Set.of(), peers).render())
        .contains("ip saddr @peers4 counter name forged4 drop", "ip6 saddr @peers6 counter")
        .doesNotContain("daddr @peers");
    assertThat(of(Set.of(OWN), peers).render()).contains("ip daddr @peers4", "ip6 daddr @peers6");
  }

  private static ArrivingDatagrams of(Set<InetAddress> own, Set<InetAddress> peers) {
    return new ArrivingDatagrams(
        true, own, peers, Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of());
  }
}
