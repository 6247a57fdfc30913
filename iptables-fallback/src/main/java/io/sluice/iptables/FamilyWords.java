package io.sluice.iptables;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.PingMode;
import io.sluice.mesh.TrafficMark;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/** One pod's settings in the words of one family's rules, each list in a fixed order. */
record FamilyWords(PodTraffic traffic, Family family, Dialect dialect) {
  static final String RETURN = "RETURN";
  static final String DROP = "DROP";

  /** A connection attempt; replies and later segments lack one of the two conditions. */
  static final String FIRST_SEGMENT = "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN";

  static final String TCP = "-p tcp";

  /** After a destination, in the order of iptables-save. */
  static final String OVER_LOOPBACK = " -o lo";

  private static final int IPV4_HEADER = 20;
  private static final int IPV6_HEADER = 40;
  private static final int ICMP_HEADER = 8;

  /** What the proxy's own sockets send: all others have another cgroup, whatever they set. */
  String proxySocket() {
    return dialect.believesMarks()
        ? "-m mark --mark 0x%x/0x%x".formatted(TrafficMark.VALUE, TrafficMark.MASK)
        : "-m cgroup --path " + dialect.proxyCgroup();
  }

  /**
   * A connection to 0.0.0.0 or :: has become one to loopback before any rule sees it; another
   * daemon's hooks may have led one to the range.
   */
  List<String> loopback() {
    return family == Family.IPV4
        ? List.of("-d 127.0.0.0/8")
        : List.of("-d ::1/128", destination(LoopbackRange.IPV6));
  }

  /** RFC 3927, RFC 4291 §2.5.6. */
  String linkLocal() {
    return family == Family.IPV4 ? "-d 169.254.0.0/16" : "-d fe80::/10";
  }

  /** The metadata services that the pod may not call; of a resolver all but its port 53. */
  List<String> refusedMetadata(String protocol) {
    return traffic.settings().refusedMetadata().stream()
        .filter(address -> Family.of(address) == family)
        .map(address ->
            destination(Cidr.of(address))
                + " -p "
                + protocol
                + (traffic.settings().isResolver(address)
                    ? " -m " + protocol + " ! --dport " + MeshPorts.DNS
                    : ""))
        .sorted()
        .toList();
  }

  /** The pod's name servers as far as they are included. */
  List<String> resolvers() {
    return ranges(included(traffic.settings().openings().resolvers()));
  }

  /**
   * Datagrams that UDPRoutes grant: what the pod asks, and what answers those that may ask it.
   * Rules of the kernel know which of both it is, by who has begun.
   */
  List<String> grantedDatagrams() {
    return traffic.datagrams().stream()
        .filter(one -> Family.of(one.peer()) == family)
        .map(one ->
            one.direction() == Direction.OUTBOUND
                ? destination(Cidr.of(one.peer())) + " -p udp" + port(one.port(), " --dport ")
                : destination(Cidr.of(one.peer()))
                    + " -p udp"
                    + port(one.port(), " --sport ")
                    + " -m conntrack --ctstate ESTABLISHED --ctdir REPLY")
        .sorted()
        .toList();
  }

  private static String port(int port, String end) {
    return port == 0 ? "" : " -m udp" + end + port;
  }

  /** Where nothing goes, as far as that is included. */
  List<String> isolated() {
    return ranges(included(traffic.settings().isolated()));
  }

  private List<Cidr> included(List<Cidr> ranges) {
    List<Cidr> included = traffic.settings().outboundRangeInclusions();
    return included.isEmpty()
        ? ranges
        : ranges.stream()
            .flatMap(one ->
                included.stream()
                    .filter(range -> range.contains(one) || one.contains(range))
                    .map(range -> range.contains(one) ? one : range))
            .toList();
  }

  /** Echo requests that the pod may not send; none where it may send any. */
  List<String> refusedPings() {
    PingMode mode = traffic.permissive() ? PingMode.ALLOW : traffic.settings().openings().ping();
    if (mode == PingMode.ALLOW) {
      return List.of();
    }
    int header = family == Family.IPV4 ? IPV4_HEADER : IPV6_HEADER;
    int plainBytes = header + ICMP_HEADER + PingMode.PLAIN_BYTES;
    String length =
        mode == PingMode.PLAIN && dialect.length()
            ? " -m length --length " + (plainBytes + 1) + ":65535"
            : "";
    return List.of(pings().getFirst() + length, pings().getLast());
  }

  /** Echo requests, and extended ones (RFC 8335). */
  List<String> pings() {
    return family == Family.IPV4
        ? List.of("-p icmp -m icmp --icmp-type 8", "-p icmp -m icmp --icmp-type 42")
        : List.of(
            "-p ipv6-icmp -m icmp6 --icmpv6-type 128", "-p ipv6-icmp -m icmp6 --icmpv6-type 160");
  }

  List<String> own() {
    return hosts(
        Stream.concat(traffic.own().stream(), traffic.excludedAddresses().stream())
            .distinct()
            .toList());
  }

  List<String> excludedAddresses() {
    return hosts(traffic.excludedAddresses());
  }

  List<String> excludedInterfaces() {
    return traffic.excludedInterfaces().stream().sorted().map(name -> "-o " + name).toList();
  }

  List<String> otherInterfaces() {
    return traffic.otherInterfaces().stream().sorted().map(name -> "-o " + name).toList();
  }

  List<String> excludedRanges() {
    return ranges(
        Stream.concat(
                traffic.settings().outboundRangeExclusions().stream(),
                traffic.excludedRanges().stream())
            .toList());
  }

  List<String> inclusions() {
    return ranges(traffic.settings().outboundRangeInclusions());
  }

  /** An inclusion list of the other family alone still leaves nothing of this one included. */
  boolean hasInclusions() {
    return !traffic.settings().outboundRangeInclusions().isEmpty();
  }

  List<String> excludedOutboundPorts(String protocol) {
    return ports(protocol, traffic.settings().outboundPortExclusions());
  }

  List<String> excludedInboundPorts() {
    return ports("tcp", traffic.settings().inboundPortExclusions());
  }

  /** What the node's probes send, as far as an address proves where it comes from. */
  List<String> probes() {
    return hosts("-s ", traffic.probes().callers()).stream()
        .flatMap(caller ->
            ports("tcp", traffic.probes().ports()).stream().map(port -> caller + " " + port))
        .toList();
  }

  String port(String protocol, int port) {
    return "-p " + protocol + " -m " + protocol + " --dport " + port;
  }

  /** RFC 5737, RFC 3849: addresses that nobody has. */
  String pathCheckDestination() {
    return family == Family.IPV4 ? "-d 192.0.2.1/32" : "-d 2001:db8::1/128";
  }

  /** The daemon's own connection from the node. */
  String arrivingPathCheck() {
    return "! -i lo -p tcp -m tcp --sport %d --dport %d"
        .formatted(MeshPorts.PATH_CHECK, MeshPorts.PATH_CHECK);
  }

  /** Where this family's outbound listener waits. */
  int outboundPort() {
    return traffic.outboundPorts().of(family);
  }

  /** Where this family's inbound listener waits. */
  int inboundPort() {
    return traffic.inboundPorts().of(family);
  }

  /** Target of redirected outbound connections. */
  String toOutboundListener() {
    return traffic
        .primary(family)
        .filter(_ -> dialect.ownAddress())
        .map(address -> "DNAT --to-destination " + socket(address, outboundPort()))
        .orElseGet(() -> "REDIRECT --to-ports " + outboundPort());
  }

  /** Where {@link #toOutboundListener} leads. */
  String redirectedTo() {
    return traffic
        .primary(family)
        .filter(_ -> dialect.ownAddress())
        .map(address -> hosts(List.of(address)).getFirst())
        .orElseGet(() -> family == Family.IPV4 ? "-d 127.0.0.1/32" : "-d ::1/128");
  }

  String toInboundListener() {
    return "REDIRECT --to-ports " + inboundPort();
  }

  String refuseTcp() {
    return dialect.reset() ? "REJECT --reject-with tcp-reset" : DROP;
  }

  private String socket(InetAddress address, int port) {
    String text = IpAddresses.text(address);
    return (family == Family.IPV4 ? text : "[" + text + "]") + ":" + port;
  }

  private List<String> hosts(Collection<InetAddress> addresses) {
    return hosts("-d ", addresses);
  }

  private List<String> hosts(String end, Collection<InetAddress> addresses) {
    int length = family == Family.IPV4 ? 32 : 128;
    return addresses.stream()
        .filter(address -> Family.of(address) == family)
        .map(address -> end + IpAddresses.text(address) + "/" + length)
        .sorted()
        .toList();
  }

  private List<String> ranges(Collection<Cidr> ranges) {
    return ranges.stream()
        .filter(range -> Family.of(range.network()) == family)
        .map(range -> destination(range))
        .distinct()
        .sorted()
        .toList();
  }

  /** iptables-save prints no match at all for a range that holds everything. */
  private static String destination(Cidr range) {
    return range.prefixLength() == 0
        ? ""
        : "-d " + IpAddresses.text(range.network()) + "/" + range.prefixLength();
  }

  private List<String> ports(String protocol, Collection<Integer> ports) {
    return ports.stream().sorted().map(port -> port(protocol, port)).toList();
  }
}
