package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What happens to traffic that cannot be redirected. */
@Tag("kernel")
class DatagramTest extends RulesInAPod {
  @ParameterizedTest
  @CsvSource({"nft,IPV4", "nft,IPV6", "legacy,IPV4", "legacy,IPV6"})
  void datagramsAreRefusedWithEpermAndDnsIsNot(String variant, Family family) throws Exception {
    Cidr resolver = Cidr.of(neighbour(family));
    PodRedirection redirection =
        apply(
            variant,
            TestPod.traffic(InterceptionSettings.EVERYTHING.withResolvers(List.of(resolver))));
    int fd = pod.socket(family, Sockets.SOCK_DGRAM, 17);

    assertThatThrownBy(() -> send(fd, neighbour(family), 443)).satisfies(RulesInAPod::isEperm);
    send(fd, neighbour(family), 53);

    assertThat(verdicts(redirection))
        .contains(
            new CountedVerdict(
                Direction.OUTBOUND, family, Outcome.REFUSED, Reason.DATAGRAM_REFUSED, 1),
            new CountedVerdict(Direction.OUTBOUND, family, Outcome.PASSTHROUGH, Reason.DNS, 1));
  }

  @Test
  void udpLiteIsRefused() throws Exception {
    PodRedirection redirection = apply(TestPod.plain());
    int fd = pod.socket(Family.IPV4, Sockets.SOCK_DGRAM, 136);

    assertThatThrownBy(() -> send(fd, TestPod.NEIGHBOUR4, 53)).satisfies(RulesInAPod::isEperm);

    assertThat(count(redirection, Reason.PROTOCOL_REFUSED)).isEqualTo(1);
  }

  @Test
  void datagramsPassInPermissiveModeAndAreCounted() throws Exception {
    PodTraffic plain = TestPod.plain();
    PodRedirection redirection =
        apply(
            TestPod.simple(
                plain.settings(),
                plain.own(),
                true,
                true,
                plain.outboundPorts(),
                plain.inboundPorts()));
    int udp = pod.socket(Family.IPV4, Sockets.SOCK_DGRAM, 17);

    send(udp, TestPod.NEIGHBOUR4, 443);

    assertThat(count(redirection, Reason.DATAGRAM_PERMISSIVE)).isEqualTo(1);
  }

  @Test
  void pingPasses() throws Exception {
    PodRedirection redirection = apply(TestPod.plain());
    int icmp = pod.socket(Family.IPV4, 3, 1);

    send(icmp, TestPod.NEIGHBOUR4, 0);

    assertThat(count(redirection, Reason.RAW_SOCKET)).isPositive();
  }
}
