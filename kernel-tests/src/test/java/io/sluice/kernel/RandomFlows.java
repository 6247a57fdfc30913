package io.sluice.kernel;

import io.sluice.kernel.site.SitePod;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Steering;
import io.sluice.mesh.decision.Transport;
import io.sluice.mesh.decision.Verdict;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Random settings and random flows of one pod, with what the model says about them. */
final class RandomFlows {
  private static final List<Integer> PORTS = List.of(53, 80, 443, 6_379, 8_080);
  private static final List<Cidr> RANGES =
      List.of(
          Cidr.parse("203.0.113.0/24"),
          Cidr.parse("203.0.113.128/25"),
          Cidr.parse("198.51.100.0/25"),
          Cidr.parse("0.0.0.0/0"),
          Cidr.parse("2001:db8:5::/48"),
          Cidr.parse("2001:db8:5:1::/64"),
          Cidr.parse("::/0"));
  private static final List<String> ELSEWHERE =
      List.of(
          "203.0.113.5",
          "203.0.113.200",
          "198.51.100.9",
          "198.51.100.200",
          "169.254.7.7",
          "2001:db8:5::1",
          "2001:db8:5:1::1",
          "2001:db8:9::1",
          "127.0.0.1",
          "::1");

  private static final List<InetAddress> ANY =
      List.of(IpAddresses.parse("0.0.0.0"), IpAddresses.parse("::"));
  private static final int FIRST_SOURCE_PORT = 20_000;

  private final Random random;
  private final SitePod pod;
  private final List<InetAddress> destinations = new ArrayList<>();
  private int sourcePort = FIRST_SOURCE_PORT;

  RandomFlows(long seed, SitePod pod, SitePod neighbour) {
    this.random = new Random(seed);
    this.pod = pod;
    ELSEWHERE.forEach(address -> destinations.add(IpAddresses.parse(address)));
    for (Family family : Family.values()) {
      destinations.add(pod.address(family));
      destinations.add(neighbour.address(family));
    }
  }

  /** One mesh-wide setting; interfaces are another test's business. */
  record Setting(InterceptionSettings interception, boolean permissive) {
    /** Fields of {@code spec.traffic}, in flow style. */
    Map<String, String> lists() {
      return Map.of(
          "outboundPortExclusionList",
          interception.outboundPortExclusions().toString(),
          "outboundIPRangeExclusionList",
          quoted(interception.outboundRangeExclusions()),
          "outboundIPRangeInclusionList",
          quoted(interception.outboundRangeInclusions()));
    }

    private static String quoted(List<Cidr> ranges) {
      return ranges.stream()
          .map(range -> "\"" + range + "\"")
          .collect(Collectors.joining(", ", "[", "]"));
    }
  }

  Setting setting() {
    return new Setting(
        new InterceptionSettings(
            Set.copyOf(some(PORTS, 3)),
            Set.of(),
            some(RANGES, 3),
            random.nextInt(3) == 0 ? some(RANGES, 5) : List.of(),
            Set.of()),
        random.nextInt(3) == 0);
  }

  private <T> List<T> some(List<T> from, int outOf) {
    return from.stream().filter(each -> random.nextInt(outOf) == 0).toList();
  }

  /** Sends {@code count} flows and returns how often the model calls for each verdict. */
  Map<String, Long> send(Setting setting, int count) {
    Set<InetAddress> own = new HashSet<>();
    for (Family family : Family.values()) {
      own.add(pod.address(family));
    }
    Map<String, Long> expected = new TreeMap<>();
    pod.call(() -> {
      for (int i = 0; i < count; i++) {
        InetSocketAddress destination =
            new InetSocketAddress(
                destinations.get(random.nextInt(destinations.size())),
                PORTS.get(random.nextInt(PORTS.size())));
        Transport transport = random.nextInt(3) == 0 ? Transport.UDP : Transport.TCP;
        send(transport, destination);
        Verdict verdict =
            Steering.outbound(
                setting.interception, own, setting.permissive, transport, destination);
        expected.merge(
            key(
                "ipv" + Steering.family(destination.getAddress()),
                verdict.outcome().label(),
                verdict.reason().label()),
            1L,
            Long::sum);
      }
      return null;
    });
    return expected;
  }

  /** How a verdict is written here. */
  static String key(String family, String outcome, String reason) {
    return family + " " + outcome + " " + reason;
  }

  private void send(Transport transport, InetSocketAddress destination) {
    Family family = Family.of(destination.getAddress());
    // An IPv6 socket that calls an IPv4-mapped address is an IPv4 flow.
    Family socketFamily = random.nextBoolean() ? family : Family.IPV6;
    int socket =
        transport == Transport.TCP
            ? Sockets.tcpSocket(socketFamily)
            : Sockets.socket(socketFamily.domain(), Sockets.SOCK_DGRAM, 0);
    try {
      if (transport == Transport.TCP) {
        // Connection tracking would take a connection with the same ports for the one before it.
        Sockets.bind(socket, new InetSocketAddress(ANY.get(socketFamily.ordinal()), sourcePort++));
        Sockets.connect(socket, destination);
      } else {
        Sockets.sendTo(socket, ByteBuffer.wrap(new byte[] {1}), 0, destination);
      }
    } catch (LinuxException e) {
      // Refused at the call, or nobody there: the verdict has fallen all the same.
    } finally {
      Sockets.close(socket);
    }
  }
}
