package io.sluice.interception;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Looks at addresses and interfaces from inside a pod, and at the node's way to it. */
public final class PodNetworkReader {
  /** IPv6 addresses of the calling thread's namespace; {@code /proc/net} is the main thread's. */
  private static final Path IPV6_ADDRESSES = Path.of("/proc/thread-self/net/if_inet6");

  private static final Pattern WHITE_SPACE = Pattern.compile("\\s+");
  private static final String LOOPBACK = "lo";

  private final NetnsThread namespaces;
  private final WaysFromNode waysFromNode;

  /** Over the thread that enters pods, and the node's ways to them. */
  public PodNetworkReader(NetnsThread namespaces, WaysFromNode waysFromNode) {
    this.namespaces = namespaces;
    this.waysFromNode = waysFromNode;
  }

  /**
   * What the pod has. Its own are the addresses that somebody outside it has given it: who may
   * change interfaces inside could take any address for a while, and what is sent to it is left
   * alone.
   *
   * @param netns where to look
   * @param registered addresses that the registry names; none of them counts where {@code given}
   *     has others
   * @param given addresses that CNI plugins gave it, those of additional networks too
   * @param excludedInterfaces names of interfaces whose traffic is left alone
   * @throws InterceptionException when the pod's loopback is down
   */
  public PodNetwork read(
      NetnsHandle netns,
      List<InetAddress> registered,
      List<InetAddress> given,
      Set<String> excludedInterfaces) {
    List<Assigned> addresses = namespaces.submit(netns, PodNetworkReader::addresses).join();
    List<InetAddress> named = named(registered, given);
    List<InetAddress> primary = onePerFamily(named);
    Set<InetAddress> excludedAddresses = new HashSet<>();
    Set<Cidr> excludedRanges = new HashSet<>();
    Set<Integer> excludedIfindexes = new HashSet<>();
    Set<String> excludedNames = new HashSet<>();
    Set<String> otherNames = new HashSet<>();
    Set<String> primaryNames = new HashSet<>();
    int primaryIfindex = 0;
    boolean loopbackIsUp = false;
    boolean ipv6 = false;
    Set<InetAddress> own =
        Stream.of(primary, named, given)
            .flatMap(List::stream)
            .limit(PodPlacement.MAX_ADDRESSES)
            .collect(Collectors.toSet());
    int room = PodPlacement.MAX_ADDRESSES - own.size();
    int leftOut = 0;
    for (Assigned assigned : addresses) {
      if (assigned.interfaceName.equals(LOOPBACK)) {
        loopbackIsUp = true;
        ipv6 |= assigned.address instanceof Inet6Address;
      } else {
        if (excludedInterfaces.contains(assigned.interfaceName)) {
          boolean fits = own.contains(assigned.address) || --room >= 0;
          leftOut += fits ? 0 : 1;
          excludedIfindexes.add(assigned.ifindex);
          excludedNames.add(assigned.interfaceName);
          if (fits) {
            excludedAddresses.add(assigned.address);
            excludedRanges.add(assigned.onLink());
          }
        } else {
          otherNames.add(assigned.interfaceName);
        }
      }
      if (primary.contains(assigned.address)) {
        primaryNames.add(assigned.interfaceName);
      }
      if (!primary.isEmpty() && assigned.address.equals(primary.getFirst())) {
        primaryIfindex = assigned.ifindex;
      }
    }
    if (!loopbackIsUp) {
      throw new InterceptionException(
          "loopback is down inside " + netns,
          "redirection needs it: `ip -n NAME link set lo up`; a runtime does this for its pods");
    }
    if (primary.isEmpty()) {
      otherNames.clear(); // beside which one is not known yet
    }
    otherNames.removeAll(primaryNames);
    own.removeAll(excludedAddresses);
    return new PodNetwork(
        primary,
        own,
        excludedAddresses,
        excludedRanges,
        excludedIfindexes,
        excludedNames,
        otherNames,
        primaryIfindex,
        ipv6,
        leftOut,
        waysFromNode.callers(primary));
  }

  /**
   * The registry hears of a pod's addresses only when its sandbox is complete, and until then may
   * name those of the former one, which are another pod's by now: of a family of which it names
   * none that was given, what was given counts.
   */
  static List<InetAddress> named(List<InetAddress> registered, List<InetAddress> given) {
    if (registered.isEmpty()) {
      return given;
    }
    return registered.stream()
        .map(Family::of)
        .distinct()
        .flatMap(family -> {
          List<InetAddress> told = of(family, registered);
          List<InetAddress> had = of(family, given);
          return (had.isEmpty() || told.stream().anyMatch(had::contains) ? told : had).stream();
        })
        .toList();
  }

  private static List<InetAddress> of(Family family, List<InetAddress> addresses) {
    return addresses.stream().filter(address -> Family.of(address) == family).toList();
  }

  private static List<InetAddress> onePerFamily(List<InetAddress> addresses) {
    Map<Family, InetAddress> first = new LinkedHashMap<>();
    addresses.forEach(address -> first.putIfAbsent(Family.of(address), address));
    return List.copyOf(first.values());
  }

  private record Assigned(
      String interfaceName, int ifindex, InetAddress address, int prefixLength) {
    Cidr onLink() {
      byte[] bytes = address.getAddress();
      for (int bit = prefixLength; bit < bytes.length * 8; bit++) {
        bytes[bit / 8] &= (byte) ~(0x80 >> bit % 8);
      }
      return new Cidr(IpAddresses.of(bytes), prefixLength);
    }
  }

  private static List<Assigned> addresses() throws IOException {
    List<Assigned> found = new ArrayList<>();
    // The JDK asks an IPv4 socket of this thread, but reads IPv6 from the main thread's /proc.
    for (NetworkInterface networkInterface : NetworkInterface.networkInterfaces().toList()) {
      for (InterfaceAddress address : networkInterface.getInterfaceAddresses()) {
        if (address.getAddress() instanceof Inet4Address ipv4) {
          found.add(
              new Assigned(
                  networkInterface.getName(),
                  networkInterface.getIndex(),
                  ipv4,
                  address.getNetworkPrefixLength()));
        }
      }
    }
    if (Files.exists(IPV6_ADDRESSES)) {
      for (String line : Files.readAllLines(IPV6_ADDRESSES)) {
        found.add(ipv6(line));
      }
    }
    return found;
  }

  /** One line: address, interface index, prefix length, scope, flags (all hex), name. */
  private static Assigned ipv6(String line) {
    String[] columns = WHITE_SPACE.split(line.strip(), -1);
    return new Assigned(
        columns[5],
        Integer.parseInt(columns[1], 16),
        IpAddresses.of(HexFormat.of().parseHex(columns[0])),
        Integer.parseInt(columns[2], 16));
  }
}
