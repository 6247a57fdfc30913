package io.sluice.iptables;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.process.ShortProgram;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A pod with eth0 and net1, each with a neighbour in a second namespace, and listeners where the
 * proxy would have them. Sockets and namespaces go on close.
 */
final class TestPod implements AutoCloseable {
  static final InetAddress POD4 = IpAddresses.parse("10.9.0.2");
  static final InetAddress POD6 = IpAddresses.parse("fd09::2");
  static final InetAddress NEIGHBOUR4 = IpAddresses.parse("10.9.0.1");
  static final InetAddress NEIGHBOUR6 = IpAddresses.parse("fd09::1");
  static final InetAddress SECOND4 = IpAddresses.parse("10.10.0.2");
  static final InetAddress SECOND_NEIGHBOUR4 = IpAddresses.parse("10.10.0.1");

  static final int OUTBOUND = 50_001;
  static final int INBOUND = 50_006;

  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final long WAIT_NANOS = 2_000_000_000L;

  private final LinuxNetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  private final String pod;
  private final String outside;
  private final List<Integer> sockets = new ArrayList<>();
  final NetnsHandle netns;
  private final NetnsHandle outsideNetns;

  TestPod() throws Exception {
    String suffix = Integer.toHexString(ThreadLocalRandom.current().nextInt());
    pod = "slxipt-p" + suffix;
    outside = "slxipt-o" + suffix;
    output(List.of("ip", "-batch", "-"), "netns add " + pod + "\nnetns add " + outside + "\n");
    netns = namespaces.open(Path.of("/run/netns", pod));
    outsideNetns = namespaces.open(Path.of("/run/netns", outside));
    String links = "";
    for (String device : List.of("eth0", "net1")) {
      links += "link add %1$s type veth peer name %1$s netns %2$s\n".formatted(device, outside);
    }
    output(List.of("ip", "-n", pod, "-batch", "-"), links + addresses(2));
    output(List.of("ip", "-n", outside, "-batch", "-"), addresses(1));
    output(
        List.of("ip", "-n", pod, "-batch", "-"),
        "route add default via 10.9.0.1\nroute add ::/0 via fd09::1\n");
  }

  private static String addresses(int host) {
    return """
    link set lo up
    address add 10.9.0.%1$d/24 dev eth0
    address add fd09::%1$d/64 dev eth0 nodad
    address add 10.10.0.%1$d/24 dev net1
    address add fd10::%1$d/64 dev net1 nodad
    link set eth0 up
    link set net1 up
    """
        .formatted(host);
  }

  static PodTraffic traffic(InterceptionSettings settings) {
    return new PodTraffic(
        settings,
        PodTraffic.Probes.NONE,
        List.of(POD4, POD6),
        Set.of(POD4, POD6),
        Set.of(),
        Set.of(),
        Set.of(),
        Set.of(),
        false,
        true,
        new FamilyPorts(OUTBOUND, OUTBOUND),
        new FamilyPorts(INBOUND, INBOUND),
        EnumSet.allOf(Direction.class),
        Set.of());
  }

  /** Traffic of a pod with one interface. */
  static PodTraffic simple(
      InterceptionSettings settings,
      Set<InetAddress> own,
      boolean permissive,
      boolean ipv6,
      FamilyPorts outboundPorts,
      FamilyPorts inboundPorts) {
    return new PodTraffic(
        settings,
        PodTraffic.Probes.NONE,
        own.stream().sorted(Comparator.comparing(InetAddress::getHostAddress)).toList(),
        own,
        Set.of(),
        Set.of(),
        Set.of(),
        Set.of(),
        permissive,
        ipv6,
        outboundPorts,
        inboundPorts,
        EnumSet.allOf(Direction.class),
        Set.of());
  }

  static PodTraffic plain() {
    return traffic(InterceptionSettings.EVERYTHING);
  }

  /** The same traffic with rules for these directions alone. */
  static PodTraffic only(PodTraffic traffic, Set<Direction> wanted) {
    return new PodTraffic(
        traffic.settings(),
        traffic.probes(),
        traffic.primary(),
        traffic.own(),
        traffic.excludedAddresses(),
        traffic.excludedRanges(),
        traffic.excludedInterfaces(),
        traffic.otherInterfaces(),
        traffic.permissive(),
        traffic.ipv6(),
        traffic.outboundPorts(),
        traffic.inboundPorts(),
        wanted,
        traffic.datagrams());
  }

  /** The backend without its other variants. */
  static IptablesBackend only(IptablesBackend backend, String variant) {
    return new IptablesBackend(
        backend.known().stream().filter(usable -> usable.tool().variant().equals(variant)).toList(),
        backend.ownCgroup());
  }

  static String run(String... command) throws IOException {
    return output(List.of(command), "");
  }

  private static String output(List<String> command, String input) throws IOException {
    try (ShortProgram program = ShortProgram.start(command, Map.of())) {
      return output(command, program.finish(input, DEADLINE));
    }
  }

  private static String output(List<String> command, ShortProgram.End end) throws IOException {
    if (!end.isSuccess()) {
      throw new IOException(String.join(" ", command) + ": " + end.output() + end.errors());
    }
    return end.output() + end.errors();
  }

  /** Runs a command inside the pod. */
  String inside(String... command) throws IOException {
    return output(List.of(command), NamespaceCommand.run(netns, List.of(command), ""));
  }

  /** Rules of both families as iptables-save prints them, without dates and counters. */
  String saved(String variant) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String base : List.of("iptables", "ip6tables")) {
      inside(base + "-" + variant + "-save")
          .lines()
          .filter(line -> !line.startsWith("#") && !line.endsWith("]"))
          .forEach(line -> text.append(line).append('\n'));
    }
    return text.toString();
  }

  /** Rules and chains, without tables and their built-in chains. */
  String savedRules(String variant) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String base : List.of("iptables", "ip6tables")) {
      inside(base + "-" + variant + "-save")
          .lines()
          .filter(line -> line.startsWith("-A ") || line.contains(" - ["))
          .forEach(line -> text.append(base).append(' ').append(line).append('\n'));
    }
    return text.toString();
  }

  int listen(InetAddress address, int port) throws Exception {
    return keep(namespaces.callIn(netns, () -> Sockets.listenTcp(address, port, 16)));
  }

  int listenOutside(InetAddress address, int port) throws Exception {
    return keep(namespaces.callIn(outsideNetns, () -> Sockets.listenTcp(address, port, 16)));
  }

  /** A listener on every address of the family. */
  int listen(Family family, int port) throws Exception {
    return listen(IpAddresses.parse(family == Family.IPV4 ? "0.0.0.0" : "::"), port);
  }

  <T> T in(Callable<T> body) throws Exception {
    return namespaces.callIn(netns, body::call);
  }

  int socket(Family family, int type, int protocol) throws Exception {
    return keep(in(() -> Sockets.socket(family.domain(), type, protocol)));
  }

  /** Starts a connection from inside. */
  int connect(Family socketFamily, InetAddress to, int port) throws Exception {
    int fd = keep(in(() -> Sockets.tcpSocket(socketFamily)));
    Sockets.connect(fd, new InetSocketAddress(to, port));
    return fd;
  }

  int connectFromOutside(InetAddress to, int port) throws Exception {
    int fd = keep(namespaces.callIn(outsideNetns, () -> Sockets.tcpSocket(Family.of(to))));
    Sockets.connect(fd, new InetSocketAddress(to, port));
    return fd;
  }

  /** Waits for a connection at a listener and says where it was going. */
  Optional<InetSocketAddress> arrival(int listener, Family family) {
    OptionalInt accepted = accept(listener);
    return accepted.isEmpty()
        ? Optional.empty()
        : Sockets.originalDestination(accepted.getAsInt(), family);
  }

  OptionalInt accept(int listener) {
    long end = System.nanoTime() + WAIT_NANOS;
    OptionalInt accepted = Sockets.accept(listener);
    while (accepted.isEmpty() && System.nanoTime() < end) {
      Thread.onSpinWait();
      accepted = Sockets.accept(listener);
    }
    accepted.ifPresent(this::keep);
    return accepted;
  }

  /** Waits until a connection attempt has failed, and says with which error number. */
  static int awaitError(int fd) {
    long end = System.nanoTime() + WAIT_NANOS;
    int error = Sockets.error(fd);
    while (error == 0 && System.nanoTime() < end) {
      Thread.onSpinWait();
      error = Sockets.error(fd);
    }
    return error;
  }

  int keep(int fd) {
    sockets.add(fd);
    return fd;
  }

  @Override
  public void close() throws Exception {
    sockets.forEach(Sockets::close);
    netns.close();
    outsideNetns.close();
    run("ip", "netns", "delete", pod);
    run("ip", "netns", "delete", outside);
  }
}
