package io.sluice.mesh.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.Openings;
import io.sluice.mesh.PingMode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SteeringTest {
  private static final InterceptionSettings SETTINGS =
      new InterceptionSettings(
          Set.of(6379),
          Set.of(9090),
          List.of(Cidr.parse("10.9.0.0/16")),
          List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("172.16.0.0/12"), Cidr.parse("fd00::/8")),
          Set.of("net1"),
          new Openings(
              List.of(
                  Cidr.parse("10.2.0.1"), Cidr.parse("169.254.169.254"), Cidr.parse("192.0.2.53")),
              MetadataMode.REFUSE,
              PingMode.PLAIN),
          List.of());

  /** On eth0, with an excluded net1 and a net2 that is neither. */
  private static SteeredPod pod(InterceptionSettings settings, boolean permissive) {
    return new SteeredPod(
        settings,
        permissive,
        "eth0",
        List.of(
            attached("eth0", "10.1.0.1", "10.1.0.0/16", "fd01::1", "fd01::/64"),
            attached("net1", "172.30.0.1", "172.30.0.0/24", "fd30::1", "fd30::/64"),
            attached("net2", "172.31.0.1", "172.31.0.0/24", "fd31::1", "fd31::/64")));
  }

  private static SteeredPod.Interface attached(
      String name, String ipv4, String range4, String ipv6, String range6) {
    return new SteeredPod.Interface(
        name,
        Set.of(IpAddresses.parse(ipv4), IpAddresses.parse(ipv6)),
        Set.of(Cidr.parse(range4), Cidr.parse(range6)));
  }

  private static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(IpAddresses.parse(address), port);
  }

  @ParameterizedTest
  @CsvSource({
    "TCP, '', 127.0.0.1, 80, PASSTHROUGH, LOOPBACK",
    "TCP, net2, 127.0.0.1, 80, PASSTHROUGH, LOOPBACK",
    "TCP, '', ::, 80, PASSTHROUGH, LOOPBACK",
    "TCP, '', 10.1.0.1, 6379, PASSTHROUGH, SELF",
    "TCP, net2, 172.30.0.1, 80, PASSTHROUGH, SELF",
    "TCP, '', fd31::1, 80, PASSTHROUGH, SELF",
    "TCP, '', 169.254.1.1, 6379, PASSTHROUGH, LINK_LOCAL",
    "TCP, net2, fe80::1, 80, PASSTHROUGH, LINK_LOCAL",
    "TCP, net1, 10.9.0.1, 6379, PASSTHROUGH, EXCLUDED_INTERFACE",
    "UDP, net1, 10.2.0.1, 123, PASSTHROUGH, EXCLUDED_INTERFACE",
    "TCP, net2, 10.9.0.1, 6379, REFUSED, OTHER_INTERFACE",
    "UDP, net2, 10.2.0.1, 53, REFUSED, OTHER_INTERFACE",
    "TCP, eth0, 10.9.0.1, 6379, PASSTHROUGH, EXCLUDED_PORT",
    "TCP, '', 10.9.0.1, 6379, PASSTHROUGH, EXCLUDED_PORT",
    "TCP, '', 10.9.0.1, 80, PASSTHROUGH, EXCLUDED_RANGE",
    "UDP, '', 10.9.0.1, 53, PASSTHROUGH, EXCLUDED_RANGE",
    "TCP, '', 172.30.0.2, 80, PASSTHROUGH, EXCLUDED_RANGE",
    "TCP, eth0, fd30::2, 80, PASSTHROUGH, EXCLUDED_RANGE",
    "TCP, '', 172.31.0.2, 80, REDIRECTED, MESH_TRAFFIC",
    "TCP, '', 192.0.2.1, 80, PASSTHROUGH, NOT_INCLUDED",
    "TCP, eth0, 10.2.0.1, 80, REDIRECTED, MESH_TRAFFIC",
    "TCP, lo, 10.2.0.1, 80, REDIRECTED, MESH_TRAFFIC",
    "TCP, '', fd00::7, 80, REDIRECTED, MESH_TRAFFIC",
    "UDP, '', 10.2.0.1, 53, PASSTHROUGH, DNS",
    "UDP, '', 192.0.2.53, 53, PASSTHROUGH, NOT_INCLUDED",
    "UDP, '', 10.2.0.2, 53, REFUSED, DNS_REFUSED",
    "UDP, '', fd00::7, 53, REFUSED, DNS_REFUSED",
    "TCP, '', 10.2.0.2, 53, REDIRECTED, MESH_TRAFFIC",
    "UDP, '', 10.2.0.1, 123, REFUSED, DATAGRAM_REFUSED",
    "TCP, net1, 169.254.169.254, 80, REFUSED, METADATA_REFUSED",
    "UDP, '', 169.254.169.254, 123, REFUSED, METADATA_REFUSED",
    "UDP, '', 169.254.169.254, 53, PASSTHROUGH, LINK_LOCAL",
    "TCP, '', fd00:ec2::254, 53, REFUSED, METADATA_REFUSED",
    "TCP, net2, fe80::a9fe:a9fe, 6379, REFUSED, METADATA_REFUSED",
    "TCP, '', 100.100.100.200, 80, REFUSED, METADATA_REFUSED",
    "UDP_LITE, '', 10.2.0.1, 123, REFUSED, PROTOCOL_REFUSED",
  })
  void asksOutboundInTheOrderOfTheContract(
      Transport transport,
      String interfaceName,
      String address,
      int port,
      Outcome outcome,
      Reason reason) {
    Verdict verdict =
        Steering.outbound(pod(SETTINGS, false), transport, interfaceName, at(address, port));

    assertThat(verdict).isEqualTo(Verdict.of(outcome, reason));
  }

  @ParameterizedTest
  @CsvSource({
    "169.254.0.0/16, REFUSE, METADATA_REFUSED", // it does not say that
    "169.254.169.254/32, REFUSE, LINK_LOCAL",
    "10.0.0.0/8, ALLOW, LINK_LOCAL",
  })
  void metadataIsOpenToWhoeverNamesIt(Cidr exclusion, MetadataMode mode, Reason reason) {
    var settings =
        new InterceptionSettings(
            Set.of(),
            Set.of(),
            List.of(exclusion),
            List.of(),
            Set.of(),
            new Openings(List.of(), mode, PingMode.PLAIN),
            List.of());

    Verdict verdict =
        Steering.outbound(pod(settings, true), Transport.TCP, "", at("169.254.169.254", 80));

    assertThat(verdict.reason()).isEqualTo(reason);
  }

  @ParameterizedTest
  @CsvSource({
    "UDP, '', DATAGRAM_PERMISSIVE",
    "SCTP, '', PROTOCOL_PERMISSIVE",
    "TCP, '', MESH_TRAFFIC",
    "TCP, net2, OTHER_INTERFACE",
  })
  void permissiveModeSparesWhatCannotBeRedirected(
      Transport transport, String interfaceName, Reason reason) {
    SteeredPod pod = pod(InterceptionSettings.EVERYTHING, true);

    Verdict verdict = Steering.outbound(pod, transport, interfaceName, at("10.2.0.1", 80));

    assertThat(verdict.reason()).isEqualTo(reason);
    assertThat(verdict.isAllowed()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "UDP, 10.2.0.1, 53, REFUSED, DATAGRAM_ISOLATED", // a resolver
    "UDP, 10.2.0.1, 80, REFUSED, DATAGRAM_ISOLATED",
    "UDP, 10.2.0.1, 6379, PASSTHROUGH, EXCLUDED_PORT",
    "UDP, 10.9.0.1, 80, PASSTHROUGH, EXCLUDED_RANGE",
    "UDP, 11.0.0.1, 80, PASSTHROUGH, NOT_INCLUDED",
    "UDP_LITE, 10.2.0.1, 80, REFUSED, DATAGRAM_ISOLATED",
    "SCTP, 10.9.0.1, 80, PASSTHROUGH, EXCLUDED_RANGE",
    "TCP, 10.2.0.1, 80, REDIRECTED, MESH_TRAFFIC", // the proxy refuses it
  })
  void noDatagramGoesToAnIsolatedRange(
      Transport transport, String address, int port, Outcome outcome, Reason reason) {
    SteeredPod pod = pod(SETTINGS.isolating(List.of(Cidr.parse("8.0.0.0/6"))), true);

    assertThat(Steering.outbound(pod, transport, "", at(address, port)))
        .isEqualTo(Verdict.of(outcome, reason));
    assertThat(Steering.ping(pod, "", IpAddresses.parse(address), 0).isAllowed())
        .isEqualTo(reason == Reason.EXCLUDED_RANGE || reason == Reason.NOT_INCLUDED);
  }

  @ParameterizedTest
  @CsvSource({
    "10.2.0.1, 172.30.0.1, 9090, PASSTHROUGH, EXCLUDED_INTERFACE",
    "fd02::1, fd30::1, 80, PASSTHROUGH, EXCLUDED_INTERFACE",
    "10.2.0.1, 10.1.0.1, 9090, PASSTHROUGH, EXCLUDED_PORT",
    "fd02::1, fd31::1, 9090, PASSTHROUGH, EXCLUDED_PORT",
    "10.2.0.1, 10.1.0.1, 6379, REDIRECTED, MESH_TRAFFIC",
    "172.31.0.2, 172.31.0.1, 80, REDIRECTED, MESH_TRAFFIC",
    "fd02::1, fd01::1, 80, REDIRECTED, MESH_TRAFFIC",
  })
  void asksInboundInTheOrderOfTheContract(
      String source, String local, int port, Outcome outcome, Reason reason) {
    InetAddress from = IpAddresses.parse(source);

    assertThat(Steering.inbound(pod(SETTINGS, false), Transport.TCP, from, at(local, port)))
        .contains(Verdict.of(outcome, reason));
  }

  @ParameterizedTest
  @CsvSource({
    "UDP, 10.2.0.1, 10.1.0.1",
    "TCP, 10.1.0.1, 10.1.0.1",
    "TCP, 172.31.0.1, 10.1.0.1",
    "TCP, fd31::1, fd30::1",
    "TCP, 127.0.0.1, 127.0.0.1",
  })
  void saysNothingAboutArrivingDatagramsAndThePodItself(
      Transport transport, String source, String local) {
    Optional<Verdict> verdict =
        Steering.inbound(
            pod(SETTINGS, false), transport, IpAddresses.parse(source), at(local, 9090));

    assertThat(verdict).isEmpty();
  }
}
