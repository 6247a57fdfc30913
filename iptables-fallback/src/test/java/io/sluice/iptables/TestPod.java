package io.sluice.iptables;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
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
    for (String name : List.of(pod, outside)) {
      run("ip", "netns", "add", name);
      run("ip", "-n", name, "link", "set", "lo", "up");
    }
    for (String device : List.of("eth0", "net1")) {
      run(
          "ip", "-n", pod, "link", "add", device, "type", "veth", "peer", "name", device, "netns",
          outside);
    }
    address(pod, "eth0", "10.9.0.2/24", "fd09::2/64");
    address(outside, "eth0", "10.9.0.1/24", "fd09::1/64");
    address(pod, "net1", "10.10.0.2/24", "fd10::2/64");
    address(outside, "net1", "10.10.0.1/24", "fd10::1/64");
    run("ip", "-n", pod, "route", "add", "default", "via", "10.9.0.1");
    run("ip", "-n", pod, "-6", "route", "add", "default", "via", "fd09::1");
    netns = namespaces.open(Path.of("/run/netns", pod));
    outsideNetns = namespaces.open(Path.of("/run/netns", outside));
  }

  private static void address(String name, String device, String ipv4, String ipv6)
      throws Exception {
    run("ip", "-n", name, "address", "add", ipv4, "dev", device);
    run("ip", "-n", name, "address", "add", ipv6, "dev", device, "nodad");
    run("ip", "-n", name, "link", "set", device, "up");
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
        false,
        true,
        new FamilyPorts(OUTBOUND, OUTBOUND),
        new FamilyPorts(INBOUND, INBOUND),
        EnumSet.allOf(Direction.class),
        Set.of());
  }

  static PodTraffic plain() {
    return traffic(InterceptionSettings.EVERYTHING);
  }

  static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + output);
    }
    return output;
  }

  /** Runs a command inside the pod. */
  String inside(String... command) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", pod));
    words.addAll(List.of(command));
    return run(words.toArray(String[]::new));
  }

  /** Rules of both families as iptables-save prints them, without dates and counters. */
  String saved(String variant) throws IOException, InterruptedException {
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
  String savedRules(String variant) throws IOException, InterruptedException {
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
