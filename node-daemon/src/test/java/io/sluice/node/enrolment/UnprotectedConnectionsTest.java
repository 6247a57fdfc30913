package io.sluice.node.enrolment;

import static io.sluice.node.enrolment.Connections.POD4;
import static io.sluice.node.enrolment.Connections.POD6;
import static io.sluice.node.enrolment.Connections.established;
import static io.sluice.node.enrolment.Connections.listener;
import static io.sluice.node.enrolment.Connections.over;
import static io.sluice.node.enrolment.Connections.owned;
import static io.sluice.node.enrolment.Connections.socket;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.PodNetwork;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.enrolment.EarlierConnections.OwnSockets;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class UnprotectedConnectionsTest {
  private static final String OTHER4 = "10.0.0.9";
  private static final String OTHER6 = "fd00::9";
  private static final InetSocket OUTBOUND = established(POD4, 40_000, OTHER4, 80);
  private static final InetSocket SERVER = listener("0.0.0.0", 8_080);
  private static final InetSocket INBOUND = established(POD4, 8_080, OTHER4, 40_001);

  private InterceptionSettings settings = InterceptionSettings.EVERYTHING;
  private PodNetwork network = Connections.NETWORK;
  private boolean permissive;

  private List<EarlierConnection> among(InetSocket... sockets) {
    return among(socket -> false, sockets);
  }

  private List<EarlierConnection> among(Predicate<InetSocket> isOwn, InetSocket... sockets) {
    UnprotectedConnections asked = new UnprotectedConnections(network, settings, permissive);
    return asked.among(Stream.of(sockets).filter(asked::needs).toList(), isOwn);
  }

  @Test
  void connectionsOfBothFamiliesAndDirectionsCount() {
    InetSocket outbound6 = established(POD6, 40_000, OTHER6, 80);
    InetSocket server6 = listener(POD6, 8_080);
    InetSocket inbound6 = established(POD6, 8_080, OTHER6, 40_001);

    List<EarlierConnection> found = among(OUTBOUND, SERVER, INBOUND, outbound6, server6, inbound6);

    assertThat(found)
        .containsExactly(
            new EarlierConnection(OUTBOUND, Direction.OUTBOUND),
            new EarlierConnection(INBOUND, Direction.INBOUND),
            new EarlierConnection(outbound6, Direction.OUTBOUND),
            new EarlierConnection(inbound6, Direction.INBOUND));
    assertThat(found.getFirst().destination()).isEqualTo(OUTBOUND.peer());
    assertThat(found.get(1).source()).isEqualTo(INBOUND.peer());
  }

  @Test
  void ipv4ConnectionIsInboundThroughAListenerOnTheIpv6Wildcard() {
    assertThat(among(listener("::", 8_080), INBOUND))
        .containsExactly(new EarlierConnection(INBOUND, Direction.INBOUND));
  }

  @Test
  void listenerOnAnotherAddressMakesNoConnectionInbound() {
    assertThat(among(listener("127.0.0.1", 8_080), INBOUND))
        .containsExactly(new EarlierConnection(INBOUND, Direction.OUTBOUND));
  }

  @Test
  void connectionsInsideThePodDoNot() {
    assertThat(
            among(
                established("127.0.0.1", 40_000, "127.0.0.1", 80),
                established(POD4, 40_000, "127.8.9.10", 15_001),
                established("::1", 40_000, "::1", 80),
                established(POD4, 40_000, POD4, 80),
                established("127.0.0.1", 15_001, POD4, 40_000),
                established(POD6, 40_000, POD6, 80)))
        .isEmpty();
  }

  @Test
  void aConnectionThatShowsAClientButHasBothEndsInThePodDoesNot() {
    InetSocket proxy = established(OTHER4, 40_001, POD4, 8_080);

    assertThat(among(proxy::equals, SERVER, INBOUND, proxy)).isEmpty();
    assertThat(among(SERVER, INBOUND, proxy))
        .as("a pod can make a socket of any ends")
        .containsExactly(new EarlierConnection(INBOUND, Direction.INBOUND));
    assertThat(among(SERVER, INBOUND, established(OTHER4, 40_002, POD4, 8_080)))
        .containsExactly(new EarlierConnection(INBOUND, Direction.INBOUND));
  }

  @Test
  void whatAPodMayHaveAnyNumberOfNeedNotBeListed() {
    UnprotectedConnections asked = new UnprotectedConnections(network, settings, permissive);

    assertThat(
            List.of(
                SERVER,
                listener("127.0.0.1", 9),
                established("127.0.0.1", 40_000, "127.0.0.1", 80),
                established(POD4, 40_000, POD4, 80),
                over(Transport.UDP, established(POD4, 40_000, "127.0.0.1", 9)),
                socket(TcpState.SYN_RECV, POD4, 8_080, POD4, 40_001, 0),
                owned(socket(TcpState.FIN_WAIT2, POD4, 40_000, OTHER4, 80, 0), 0, 4)))
        .noneMatch(asked::needs);
    assertThat(List.of(OUTBOUND, socket(TcpState.SYN_RECV, POD4, 8_080, OTHER4, 40_001, 0)))
        .allMatch(asked::needs);
  }

  @Test
  void connectionsToAnAddressOfAnExcludedInterfaceOfThePodDoNot() {
    excludeInterface();

    assertThat(among(established(POD4, 40_000, "10.9.0.5", 80))).isEmpty();
  }

  @Test
  void statesInWhichDataMayStillComeCount() {
    assertThat(
            among(
                socket(TcpState.SYN_SENT, POD4, 40_000, OTHER4, 80, 0),
                socket(TcpState.CLOSE_WAIT, POD4, 40_001, OTHER4, 80, 0),
                socket(TcpState.FIN_WAIT1, POD4, 40_002, OTHER4, 80, 0),
                socket(TcpState.FIN_WAIT2, POD4, 40_003, OTHER4, 80, 0)))
        .hasSize(4);
  }

  @Test
  void closedSocketsDoNot() {
    assertThat(
            among(
                owned(socket(TcpState.FIN_WAIT2, POD4, 40_000, OTHER4, 80, 0), 0, 4),
                socket(TcpState.TIME_WAIT, POD4, 40_001, OTHER4, 80, 0),
                socket(TcpState.LAST_ACK, POD4, 40_002, OTHER4, 80, 0)))
        .isEmpty();
  }

  @Test
  void excludedPortsAreLeftOutByDirection() {
    settings = new InterceptionSettings(Set.of(80), Set.of(8_080), List.of(), List.of(), Set.of());
    InetSocket inboundFromExcludedPort = established(POD4, 9_090, OTHER4, 80);

    assertThat(among(OUTBOUND, SERVER, INBOUND)).isEmpty();
    assertThat(among(INBOUND)).as("its listener is closed").isEmpty();
    assertThat(among(listener("0.0.0.0", 9_090), inboundFromExcludedPort)).hasSize(1);
  }

  @Test
  void excludedRangesAreLeftOutForDestinationsOnly() {
    settings =
        new InterceptionSettings(
            Set.of(), Set.of(), List.of(Cidr.parse(OTHER4)), List.of(), Set.of());

    assertThat(among(OUTBOUND, SERVER, INBOUND))
        .containsExactly(new EarlierConnection(INBOUND, Direction.INBOUND));
  }

  @Test
  void inclusionListLeavesOutAllElse() {
    settings =
        new InterceptionSettings(
            Set.of(), Set.of(), List.of(), List.of(Cidr.parse("10.0.0.8/29")), Set.of());
    InetSocket elsewhere = established(POD4, 40_002, "192.0.2.1", 80);

    assertThat(among(OUTBOUND, elsewhere))
        .containsExactly(new EarlierConnection(OUTBOUND, Direction.OUTBOUND));
  }

  @Test
  void linkLocalDestinationsAreLeftOut() {
    assertThat(
            among(
                established(POD4, 40_000, "169.254.1.1", 80),
                established(POD6, 40_000, "fe80::1", 80)))
        .isEmpty();
  }

  @Test
  void aConnectionToTheMetadataServiceIsNotLeftAlone() {
    InetSocket dns = established(POD4, 40_001, "169.254.169.254", 53);

    assertThat(among(established(POD4, 40_000, "169.254.169.254", 80), dns)).hasSize(2);
    settings =
        InterceptionSettings.EVERYTHING.withResolvers(List.of(Cidr.parse("169.254.169.254")));
    assertThat(among(dns)).isEmpty();
  }

  @Test
  void excludedInterfacesAreLeftOut() {
    excludeInterface();

    assertThat(
            among(
                listener("0.0.0.0", 8_080),
                established("10.9.0.5", 8_080, "192.0.2.1", 40_000),
                established("10.9.0.5", 40_000, "10.9.0.7", 80),
                socket(TcpState.ESTABLISHED, POD4, 40_001, "192.0.2.1", 80, 7)))
        .isEmpty();
    assertThat(among(OUTBOUND)).hasSize(1);
  }

  @Test
  void otherSecondaryInterfaceIsLeftAloneInPermissiveModeOnly() {
    InetSocket bound = socket(TcpState.ESTABLISHED, POD4, 40_000, OTHER4, 80, 3);
    InetSocket boundToPrimary =
        socket(TcpState.ESTABLISHED, POD4, 40_001, OTHER4, 80, Connections.PRIMARY_IFINDEX);
    assertThat(among(bound, boundToPrimary)).hasSize(2);

    permissive = true;

    assertThat(among(bound, boundToPrimary))
        .containsExactly(new EarlierConnection(boundToPrimary, Direction.OUTBOUND));
  }

  @Test
  void ownSocketsAreToldByCgroupAndWithoutOneByDescriptor() {
    long own = 77;
    OwnSockets isOwn = new OwnSockets(own);

    assertThat(isOwn.test(owned(OUTBOUND, 0, own))).isTrue();
    assertThat(isOwn.test(owned(OUTBOUND, 5, own))).isTrue();
    assertThat(isOwn.test(owned(OUTBOUND, 0, 0))).as("cannot be told").isTrue();
    assertThat(isOwn.test(owned(OUTBOUND, 0, 4))).as("the pod's, not accepted yet").isFalse();
    assertThat(isOwn.test(owned(OUTBOUND, Integer.MAX_VALUE, 0))).isFalse();
    assertThat(isOwn.test(owned(OUTBOUND, Integer.MAX_VALUE, 4))).isFalse();
  }

  @Test
  void datagramSocketsCountWhereTheirDatagramsAreRefused() {
    InetSocket udp = over(Transport.UDP, OUTBOUND);
    InetSocket lite = over(Transport.UDP_LITE, OUTBOUND);
    InetSocket dns = over(Transport.UDP, established(POD6, 40_000, OTHER6, 53));
    settings = settings.withResolvers(List.of(Cidr.parse(OTHER6)));
    InetSocket inside = over(Transport.UDP, established(POD4, 40_000, "127.0.0.1", 9));
    InetSocket[] all = {
      udp, lite, dns, over(Transport.UDP_LITE, dns), inside, SERVER, over(Transport.UDP, INBOUND)
    };

    assertThat(among(all))
        .extracting(EarlierConnection::socket)
        .containsExactly(udp, lite, all[3], all[6]);
    assertThat(among(all))
        .extracting(EarlierConnection::direction)
        .containsOnly(Direction.OUTBOUND);

    settings = new InterceptionSettings(Set.of(80), Set.of(8_080), List.of(), List.of(), Set.of());
    assertThat(among(udp, lite, over(Transport.UDP, INBOUND)))
        .as("excluded, which a socket of UDP-Lite cannot be, nor a reply")
        .extracting(EarlierConnection::socket)
        .containsExactly(lite, over(Transport.UDP, INBOUND));

    permissive = true;
    assertThat(among(all)).isEmpty();
  }

  @Test
  void datagramSocketsToAnIsolatedRangeCountInPermissiveModeToo() {
    InetSocket udp = over(Transport.UDP, OUTBOUND);
    InetSocket dns = over(Transport.UDP, established(POD6, 40_000, OTHER6, 53));
    InetSocket lite = over(Transport.UDP_LITE, OUTBOUND);
    permissive = true;
    settings = settings.withResolvers(List.of(Cidr.parse(OTHER6)));
    assertThat(among(udp, dns, lite)).isEmpty();

    settings = settings.isolating(List.of(Cidr.parse("0.0.0.0/0"), Cidr.parse("::/0")));
    assertThat(among(udp, dns, lite))
        .extracting(EarlierConnection::socket)
        .containsExactly(udp, dns, lite);
  }

  private void excludeInterface() {
    network =
        new PodNetwork(
            network.primary(),
            network.own(),
            Set.of(IpAddresses.parse("10.9.0.5")),
            Set.of(Cidr.parse("10.9.0.0/24")),
            Set.of(7),
            Set.of("net1"),
            Set.of(),
            network.primaryIfindex(),
            true,
            0,
            Set.of());
  }
}
