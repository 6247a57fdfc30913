package io.sluice.kernel;

import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.Openings;
import io.sluice.mesh.PingMode;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Transport;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Random settings and random flows of one pod; the same seed gives the same ones. */
final class RandomFlows {
  static final List<Integer> PORTS = List.of(53, 80, 443, 6_379, 8_080);

  /** Addresses of nobody's interface. */
  static final List<String> ELSEWHERE =
      List.of(
          "203.0.113.5",
          "203.0.113.200",
          "198.51.100.9",
          "198.51.100.200",
          "169.254.7.7",
          "169.254.169.254",
          "100.100.100.200",
          "fd00:ec2::254",
          "2001:db8:5::1",
          "2001:db8:5:1::1",
          "2001:db8:9::1");

  private static final List<Cidr> RANGES =
      List.of(
          Cidr.parse("203.0.113.0/24"),
          Cidr.parse("203.0.113.128/25"),
          Cidr.parse("198.51.100.0/25"),
          Cidr.parse("172.30.0.0/15"),
          Cidr.parse("0.0.0.0/0"),
          Cidr.parse("169.254.0.0/16"),
          Cidr.parse("169.254.169.254"),
          Cidr.parse("fd00:ec2::254"),
          Cidr.parse("2001:db8:5::/48"),
          Cidr.parse("2001:db8:5:1::/64"),
          Cidr.parse("fd30::/64"),
          Cidr.parse("::/0"));

  private static final String LOOPBACK = "lo";

  /** Above the ports of the mesh, which its own sockets hold. */
  private static final int FIRST_SOURCE_PORT = 16_000;

  private static final int LAST_SOURCE_PORT = 49_999;

  private final Random random;
  private final FlowSite site;
  private final List<String> devices = new ArrayList<>(List.of(FlowSite.PRIMARY));
  private int sourcePort = FIRST_SOURCE_PORT;

  RandomFlows(long seed, FlowSite site) {
    this.random = new Random(seed);
    this.site = site;
    devices.addAll(FlowSite.secondInterfaces());
  }

  FlowSetting setting() {
    return new FlowSetting(
        new InterceptionSettings(
            Set.copyOf(some(PORTS, 3)),
            Set.copyOf(some(PORTS, 3)),
            some(RANGES, 4),
            random.nextInt(3) == 0 ? some(RANGES, 4) : List.of(),
            Set.copyOf(some(FlowSite.secondInterfaces(), 3)),
            new Openings(
                some(RANGES, 4),
                random.nextInt(4) == 0 ? MetadataMode.ALLOW : MetadataMode.REFUSE,
                one(List.of(PingMode.values()))),
            random.nextInt(3) == 0 ? some(RANGES, 4) : List.of()),
        random.nextInt(3) == 0);
  }

  private <T> List<T> some(List<T> from, int outOf) {
    return from.stream().filter(each -> random.nextInt(outOf) == 0).toList();
  }

  private <T> T one(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  /** Flows that the pod sends. */
  List<Flow> outbound(int count) {
    List<InetAddress> destinations = new ArrayList<>();
    ELSEWHERE.forEach(address -> destinations.add(IpAddresses.parse(address)));
    for (Family family : Family.values()) {
      destinations.add(loopback(family));
      destinations.add(any(family));
      for (String device : devices) {
        destinations.add(site.address(site.pod, device, family));
        destinations.add(site.address(site.neighbour, device, family));
      }
    }
    return flows(Direction.OUTBOUND, site.pod, destinations, count);
  }

  /** Flows that the neighbour sends to the pod. */
  List<Flow> inbound(int count) {
    List<InetAddress> destinations = new ArrayList<>();
    for (Family family : Family.values()) {
      devices.forEach(device -> destinations.add(site.address(site.pod, device, family)));
    }
    return flows(Direction.INBOUND, site.neighbour, destinations, count);
  }

  private List<Flow> flows(
      Direction direction, SitePod sender, List<InetAddress> destinations, int count) {
    List<Flow> flows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      flows.add(flow(direction, sender, one(destinations)));
    }
    return flows;
  }

  private Flow flow(Direction direction, SitePod sender, InetAddress address) {
    Family family = Family.of(address);
    String device = device(direction);
    return new Flow(
        direction,
        random.nextInt(3) == 0 ? Transport.UDP : Transport.TCP,
        random.nextBoolean() ? family : Family.IPV6,
        device,
        source(sender, family, device),
        nextSourcePort(),
        new InetSocketAddress(address, one(PORTS)));
  }

  private String device(Direction direction) {
    if (random.nextInt(3) != 0) {
      return "";
    }
    return direction == Direction.OUTBOUND && random.nextInt(4) == 0 ? LOOPBACK : one(devices);
  }

  /** An answer to another interface's address would not find a socket that is bound to this one. */
  private InetAddress source(SitePod sender, Family family, String device) {
    if (device.equals(LOOPBACK) || random.nextBoolean()) {
      return any(family);
    }
    return site.address(sender, device.isEmpty() ? one(devices) : device, family);
  }

  /** Connection tracking would take a connection with the same ports for the one before it. */
  private int nextSourcePort() {
    if (sourcePort > LAST_SOURCE_PORT) {
      throw new IllegalStateException("out of source ports: ask for fewer settings, by more seeds");
    }
    return sourcePort++;
  }

  private static InetAddress any(Family family) {
    return IpAddresses.parse(family == Family.IPV4 ? "0.0.0.0" : "::");
  }

  private static InetAddress loopback(Family family) {
    return IpAddresses.parse(family == Family.IPV4 ? "127.0.0.1" : "::1");
  }
}
