package io.sluice.mesh.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SteeringTest {
  private static final InterceptionSettings SETTINGS =
      new InterceptionSettings(
          Set.of(6379),
          Set.of(),
          List.of(Cidr.parse("10.9.0.0/16")),
          List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("fd00::/8")),
          Set.of());

  @ParameterizedTest
  @CsvSource({
    "TCP, 127.0.0.1, 80, PASSTHROUGH, LOOPBACK",
    "TCP, ::, 80, PASSTHROUGH, LOOPBACK",
    "TCP, 10.1.0.1, 6379, PASSTHROUGH, SELF",
    "TCP, 169.254.1.1, 6379, PASSTHROUGH, LINK_LOCAL",
    "TCP, fe80::1, 80, PASSTHROUGH, LINK_LOCAL",
    "TCP, 10.9.0.1, 6379, PASSTHROUGH, EXCLUDED_PORT",
    "TCP, 10.9.0.1, 80, PASSTHROUGH, EXCLUDED_RANGE",
    "UDP, 10.9.0.1, 53, PASSTHROUGH, EXCLUDED_RANGE",
    "TCP, 192.0.2.1, 80, PASSTHROUGH, NOT_INCLUDED",
    "TCP, 10.2.0.1, 80, REDIRECTED, MESH_TRAFFIC",
    "TCP, fd00::7, 80, REDIRECTED, MESH_TRAFFIC",
    "UDP, 10.2.0.1, 53, PASSTHROUGH, DNS",
    "UDP, 10.2.0.1, 123, REFUSED, DATAGRAM_REFUSED",
    "UDP_LITE, 10.2.0.1, 123, REFUSED, PROTOCOL_REFUSED",
  })
  void asksInTheOrderOfTheContract(
      Transport transport, String address, int port, Outcome outcome, Reason reason) {
    Verdict verdict =
        Steering.outbound(
            SETTINGS,
            Set.of(IpAddresses.parse("10.1.0.1")),
            false,
            transport,
            new InetSocketAddress(IpAddresses.parse(address), port));

    assertThat(verdict).isEqualTo(Verdict.of(outcome, reason));
  }

  @ParameterizedTest
  @CsvSource({"UDP, DATAGRAM_PERMISSIVE", "SCTP, PROTOCOL_PERMISSIVE", "TCP, MESH_TRAFFIC"})
  void permissiveModeSparesWhatCannotBeRedirected(Transport transport, Reason reason) {
    Verdict verdict =
        Steering.outbound(
            InterceptionSettings.EVERYTHING,
            Set.of(),
            true,
            transport,
            new InetSocketAddress(IpAddresses.parse("10.2.0.1"), 80));

    assertThat(verdict.reason()).isEqualTo(reason);
    assertThat(verdict.isAllowed()).isTrue();
  }
}
