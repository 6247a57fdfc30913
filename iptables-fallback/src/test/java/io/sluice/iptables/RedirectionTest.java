package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.TrafficMark;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What happens to packets, in both families and both variants. */
@Tag("kernel")
class RedirectionTest extends RulesInAPod {
  private static final InetAddress ELSEWHERE4 = IpAddresses.parse("192.0.2.1");
  private static final InetAddress ELSEWHERE6 = IpAddresses.parse("2001:db8::1");

  private static InterceptionSettings excludingOutbound(int port, String range) {
    return new InterceptionSettings(
        Set.of(port), Set.of(), List.of(Cidr.parse(range)), List.of(), Set.of());
  }

  private static InetAddress elsewhere(Family family) {
    return family == Family.IPV4 ? ELSEWHERE4 : ELSEWHERE6;
  }

  private static InetAddress podAddress(Family family) {
    return family == Family.IPV4 ? TestPod.POD4 : TestPod.POD6;
  }

  @ParameterizedTest
  @CsvSource({"nft,IPV4", "nft,IPV6", "legacy,IPV4", "legacy,IPV6"})
  void outboundConnectionReachesTheListenerWithItsOriginalDestination(String variant, Family family)
      throws Exception {
    apply(variant, TestPod.plain());
    int listener = pod.listen(family, TestPod.OUTBOUND);

    pod.connect(family, elsewhere(family), 80);

    assertThat(pod.arrival(listener, family))
        .contains(new InetSocketAddress(elsewhere(family), 80));
  }

  /**
   * Tracking begins with the first rule that needs it, and takes who speaks next for the caller.
   */
  @ParameterizedTest
  @EnumSource(Family.class)
  void connectionFromBeforeTheRulesWhoseAcceptorSpeaksFirstIsNotTakenForOneBackToItsCaller(
      Family family) throws Exception {
    int listener = pod.listen(family, TestPod.INBOUND);
    int client = pod.connectFromOutside(podAddress(family), TestPod.INBOUND);
    int accepted = pod.accept(listener).orElseThrow();
    InetSocketAddress peer = Sockets.peerAddress(accepted);
    apply(TestPod.only(TestPod.plain(), Set.of(Direction.INBOUND)));

    assertThat(isDelivered(accepted, client)).isTrue();

    assertThat(Sockets.originalDestination(accepted, family))
        .as("the kernel's word")
        .contains(peer);
    assertThat(TrackedConnection.destination(accepted)).isEmpty();
    assertThat(pod.in(() -> TrackedConnection.source(Sockets.localAddress(accepted), peer)))
        .isEmpty();
  }

  @Test
  void mappedDestinationOfAnIpv6SocketIsIpv4() throws Exception {
    apply(TestPod.plain());
    int listener = pod.listen(Family.IPV4, TestPod.OUTBOUND);

    pod.connect(Family.IPV6, ELSEWHERE4, 80);

    assertThat(pod.arrival(listener, Family.IPV4)).contains(new InetSocketAddress(ELSEWHERE4, 80));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void socketBoundToThePrimaryInterfaceIsRedirected(Family family) throws Exception {
    apply(TestPod.plain());
    int listener = pod.listen(family, TestPod.OUTBOUND);
    int fd = pod.keep(pod.in(() -> Sockets.tcpSocket(family)));

    bindToDevice(fd, "eth0");
    Sockets.connect(fd, new InetSocketAddress(elsewhere(family), 80));

    assertThat(pod.arrival(listener, family))
        .contains(new InetSocketAddress(elsewhere(family), 80));
  }

  private static void bindToDevice(int fd, String device) {
    Sockets.setsockopt(
        fd,
        Sockets.SOL_SOCKET,
        Sockets.SO_BINDTODEVICE,
        device.getBytes(StandardCharsets.US_ASCII));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void markedSocketIsNotRedirected(Family family) throws Exception {
    PodRedirection redirection = apply(TestPod.plain());
    int listener = pod.listenOutside(neighbour(family), 80);
    int fd = pod.keep(pod.in(() -> Sockets.tcpSocket(family)));

    Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_MARK, TrafficMark.VALUE);
    Sockets.connect(fd, new InetSocketAddress(neighbour(family), 80));

    assertThat(pod.accept(listener)).isPresent();
    assertThat(verdicts(redirection))
        .contains(
            new CountedVerdict(
                Direction.OUTBOUND, family, Outcome.PASSTHROUGH, Reason.PROXY_SOCKET, 1));
  }

  @Test
  void excludedPortIsLeftAlone() throws Exception {
    PodRedirection redirection = apply(TestPod.traffic(excludingOutbound(9443, "203.0.113.0/24")));
    int listener = pod.listenOutside(TestPod.NEIGHBOUR4, 9443);

    pod.connect(Family.IPV4, TestPod.NEIGHBOUR4, 9443);

    assertThat(pod.accept(listener)).isPresent();
    assertThat(count(redirection, Reason.EXCLUDED_PORT)).isEqualTo(1);
  }

  @Test
  void excludedRangeIsLeftAlone() throws Exception {
    PodRedirection redirection = apply(TestPod.traffic(excludingOutbound(1, "10.9.0.0/24")));
    int listener = pod.listenOutside(TestPod.NEIGHBOUR4, 80);

    pod.connect(Family.IPV4, TestPod.NEIGHBOUR4, 80);

    assertThat(pod.accept(listener)).isPresent();
    assertThat(count(redirection, Reason.EXCLUDED_RANGE)).isEqualTo(1);
  }

  @Test
  void onlyIncludedRangesAreRedirected() throws Exception {
    var settings =
        new InterceptionSettings(
            Set.of(), Set.of(), List.of(), List.of(Cidr.parse("192.0.2.0/24")), Set.of());
    PodRedirection redirection = apply(TestPod.traffic(settings));
    int proxy = pod.listen(Family.IPV4, TestPod.OUTBOUND);
    int neighbour = pod.listenOutside(TestPod.NEIGHBOUR4, 80);

    pod.connect(Family.IPV4, ELSEWHERE4, 80);
    pod.connect(Family.IPV4, TestPod.NEIGHBOUR4, 80);

    assertThat(pod.arrival(proxy, Family.IPV4)).contains(new InetSocketAddress(ELSEWHERE4, 80));
    assertThat(pod.accept(neighbour)).isPresent();
    assertThat(count(redirection, Reason.NOT_INCLUDED)).isEqualTo(1);
  }

  private static PodTraffic withSecondInterface(boolean excluded, boolean permissive) {
    PodTraffic plain = TestPod.plain();
    return new PodTraffic(
        plain.settings(),
        plain.probes(),
        plain.primary(),
        plain.own(),
        excluded ? Set.of(TestPod.SECOND4) : Set.of(),
        excluded ? Set.of(Cidr.parse("10.10.0.0/24")) : Set.of(),
        excluded ? Set.of("net1") : Set.of(),
        excluded ? Set.of() : Set.of("net1"),
        permissive,
        true,
        plain.outboundPorts(),
        plain.inboundPorts(),
        EnumSet.allOf(Direction.class),
        Set.of());
  }

  @Test
  void excludedInterfaceIsLeftAloneInBothDirections() throws Exception {
    PodRedirection redirection = apply(withSecondInterface(true, false));
    int outside = pod.listenOutside(TestPod.SECOND_NEIGHBOUR4, 80);
    int application = pod.listen(Family.IPV4, 8080);

    pod.connect(Family.IPV4, TestPod.SECOND_NEIGHBOUR4, 80);
    pod.connectFromOutside(TestPod.SECOND4, 8080);

    assertThat(pod.accept(outside)).isPresent();
    assertThat(pod.accept(application)).isPresent();
    assertThat(verdicts(redirection))
        .filteredOn(verdict -> verdict.reason() == Reason.EXCLUDED_INTERFACE)
        .extracting(CountedVerdict::direction)
        .containsExactlyInAnyOrder(Direction.OUTBOUND, Direction.INBOUND);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nft", "legacy"})
  void anotherInterfaceIsRefusedAtOnce(String variant) throws Exception {
    PodRedirection redirection = apply(variant, withSecondInterface(false, false));
    pod.listenOutside(TestPod.SECOND_NEIGHBOUR4, 80);
    int fd = pod.keep(pod.in(() -> Sockets.tcpSocket(Family.IPV4)));
    bindToDevice(fd, "net1");

    assertThat(refusal(fd, TestPod.SECOND_NEIGHBOUR4)).isEqualTo(Errno.ECONNREFUSED);
    assertThat(count(redirection, Reason.OTHER_INTERFACE)).isEqualTo(1);
  }

  /** The reset may be there before connect() returns. */
  private static Errno refusal(int fd, InetAddress to) {
    try {
      Sockets.connect(fd, new InetSocketAddress(to, 80));
      return Errno.of(TestPod.awaitError(fd));
    } catch (LinuxException e) {
      return e.errno();
    }
  }

  @Test
  void inboundToAnotherInterfaceIsStillRedirected() throws Exception {
    apply(withSecondInterface(false, false));
    int listener = pod.listen(Family.IPV4, TestPod.INBOUND);

    pod.connectFromOutside(TestPod.SECOND4, 8080);

    assertThat(pod.arrival(listener, Family.IPV4))
        .contains(new InetSocketAddress(TestPod.SECOND4, 8080));
  }

  @Test
  void anotherInterfaceIsLeftAloneInPermissiveMode() throws Exception {
    PodRedirection redirection = apply(withSecondInterface(false, true));
    int outside = pod.listenOutside(TestPod.SECOND_NEIGHBOUR4, 80);

    pod.connect(Family.IPV4, TestPod.SECOND_NEIGHBOUR4, 80);

    assertThat(pod.accept(outside)).isPresent();
    assertThat(count(redirection, Reason.OTHER_INTERFACE)).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void podReachesItselfDirectly(Family family) throws Exception {
    PodRedirection redirection = apply(TestPod.plain());
    int application = pod.listen(family, 8080);

    pod.connect(family, podAddress(family), 8080);
    pod.connect(family, IpAddresses.parse(family == Family.IPV4 ? "127.0.0.5" : "::1"), 8080);
    pod.connect(family, IpAddresses.parse(family == Family.IPV4 ? "0.0.0.0" : "::"), 8080);

    assertThat(pod.accept(application)).isPresent();
    assertThat(pod.accept(application)).isPresent();
    assertThat(pod.accept(application)).isPresent();
    assertThat(count(redirection, Reason.SELF)).isEqualTo(1);
    assertThat(count(redirection, Reason.LOOPBACK)).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"nft,IPV4", "nft,IPV6", "legacy,IPV4", "legacy,IPV6"})
  void inboundConnectionReachesTheListenerWithItsOriginalDestination(String variant, Family family)
      throws Exception {
    apply(variant, TestPod.plain());
    int listener = pod.listen(family, TestPod.INBOUND);
    int application = pod.listen(family, 8080);

    pod.connectFromOutside(podAddress(family), 8080);

    assertThat(pod.arrival(listener, family))
        .contains(new InetSocketAddress(podAddress(family), 8080));
    assertThat(Sockets.accept(application)).isEmpty();
  }

  @Test
  void excludedInboundPortReachesTheApplication() throws Exception {
    var settings = new InterceptionSettings(Set.of(), Set.of(8081), List.of(), List.of(), Set.of());
    PodRedirection redirection = apply(TestPod.traffic(settings));
    int application = pod.listen(Family.IPV4, 8081);

    pod.connectFromOutside(TestPod.POD4, 8081);

    assertThat(pod.accept(application)).isPresent();
    assertThat(count(redirection, Reason.EXCLUDED_PORT)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {TestPod.OUTBOUND, TestPod.INBOUND})
  void directConnectionToAListenerShowsTheListenersOwnPort(int port) throws Exception {
    apply(TestPod.plain());
    int listener = pod.listen(Family.IPV4, TestPod.INBOUND);

    pod.connectFromOutside(TestPod.POD4, port);

    assertThat(pod.arrival(listener, Family.IPV4))
        .contains(new InetSocketAddress(TestPod.POD4, port));
  }

  @Test
  void withoutAListenerConnectionsAreReset() throws Exception {
    apply(TestPod.plain());
    int fd = pod.keep(pod.in(() -> Sockets.tcpSocket(Family.IPV4)));

    assertThat(refusal(fd, ELSEWHERE4)).isEqualTo(Errno.ECONNREFUSED);
  }

  @Test
  void connectionFromBeforeTheRulesGoesOn() throws Exception {
    int application = pod.listen(Family.IPV4, 8080);
    int client = pod.connectFromOutside(TestPod.POD4, 8080);
    int server = pod.accept(application).orElseThrow();

    apply(TestPod.plain());

    assertThat(isDelivered(client, server)).isTrue();
  }

  private static boolean isDelivered(int from, int to) {
    Sockets.write(from, ByteBuffer.wrap(new byte[] {1}));
    long end = System.nanoTime() + 500_000_000L;
    ByteBuffer buffer = ByteBuffer.allocate(1);
    try {
      while (Sockets.read(to, buffer) == 0 && System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      return !buffer.hasRemaining();
    } catch (LinuxException reset) {
      return false;
    }
  }

  @Test
  void ipv6IsRefusedInBothDirectionsWhereItCannotBeRedirected() throws Exception {
    List<IptablesBackend.Usable> poor =
        backend.known().stream()
            .filter(usable -> usable.tool().variant().equals("nft"))
            .map(usable -> usable.tool().family() == Family.IPV4 ? usable : withoutNat(usable))
            .toList();
    var redirection = new PodRedirection(pod.netns, new IptablesBackend(poor, 0));
    redirection.apply(TestPod.plain());
    pod.listenOutside(TestPod.NEIGHBOUR6, 80);
    pod.listen(Family.IPV6, 8080);
    int out = pod.keep(pod.in(() -> Sockets.tcpSocket(Family.IPV6)));

    assertThat(refusal(out, TestPod.NEIGHBOUR6)).isEqualTo(Errno.ECONNREFUSED);
    int in = pod.connectFromOutside(TestPod.POD6, 8080);
    assertThat(TestPod.awaitError(in)).isEqualTo(Errno.ECONNREFUSED.number());
    assertThat(verdicts(redirection))
        .filteredOn(verdict -> verdict.reason() == Reason.PROTOCOL_REFUSED)
        .extracting(CountedVerdict::direction)
        .containsExactlyInAnyOrder(Direction.OUTBOUND, Direction.INBOUND);
    assertThat(redirection.isIntact()).isTrue();
  }

  private static IptablesBackend.Usable withoutNat(IptablesBackend.Usable usable) {
    return new IptablesBackend.Usable(
        usable.tool(),
        new ProbeAnswer(
            Family.IPV6, "nft", ProbeAnswer.Ability.REFUSES, Dialect.FULL, "no nat table"));
  }
}
