package io.sluice.iptables;

import io.sluice.iptables.PodTraffic.Datagram;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What of datagrams from other pods of the mesh a pod takes, where rules intercept: what UDPRoutes
 * grant, and answers, which connection tracking knows, of whom it may still ask; of link-local
 * addresses of IPv6, which may be another pod's of the wire, answers alone. Asked beside it: that
 * no datagram leaves from an address of another pod, nor any into the mesh but from an own one, if
 * any is known, or to ask for names, behind whatever translates addresses in the pod. Part of the
 * table of {@link ClientAddresses}: sets hold the addresses of the mesh, since a rule for each
 * would be asked about each datagram.
 *
 * @param strict whether anything is asked
 * @param own addresses of the pod, those that are left alone too
 * @param peers addresses of the mesh that are not the pod's own
 * @param resolvers those of them that the pod may ask for names
 * @param granted what is granted to or by them; peers that the pod may ask without a grant too
 * @param askedPorts ports at which the pod may ask anybody without a grant
 * @param excludedPorts ports of the pod that anybody may send to
 * @param excludedAddresses addresses of the pod that are left alone
 * @param excludedInterfaces names of interfaces that are left alone
 */
public record ArrivingDatagrams(
    boolean strict,
    Set<InetAddress> own,
    Set<InetAddress> peers,
    Set<InetAddress> resolvers,
    Set<Datagram> granted,
    Set<Integer> askedPorts,
    Set<Integer> excludedPorts,
    Set<InetAddress> excludedAddresses,
    Set<String> excludedInterfaces) {
  /** Nothing is asked. */
  public static final ArrivingDatagrams NOT_ASKED =
      new ArrivingDatagrams(
          false, Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of());

  static final String CHAIN = "datagrams";
  static final String SENDING_CHAIN = "senders";
  private static final String ANSWERS = "answers";
  static final String REFUSED = "refused";
  static final String FORGED = "forged";

  public ArrivingDatagrams {
    own = Set.copyOf(own);
    peers = Set.copyOf(peers);
    resolvers = Set.copyOf(resolvers);
    granted = Set.copyOf(granted);
    askedPorts = Set.copyOf(askedPorts);
    excludedPorts = Set.copyOf(excludedPorts);
    excludedAddresses = Set.copyOf(excludedAddresses);
    excludedInterfaces = Set.copyOf(excludedInterfaces);
  }

  /** Name of the counter of a family. */
  static String counter(String what, Family family) {
    return what + (family == Family.IPV4 ? 4 : 6);
  }

  /** Sets, counters and chains in nft's words; empty where nothing is asked. */
  String render() {
    if (!strict) {
      return "";
    }
    StringBuilder sets = new StringBuilder();
    StringBuilder answers = new StringBuilder();
    StringBuilder arriving = new StringBuilder();
    StringBuilder leaving = new StringBuilder();
    String interfaces = accept("iifname", texts(excludedInterfaces, "\"%s\""::formatted));
    for (Family family : Family.values()) {
      String ip = family == Family.IPV4 ? "ip" : "ip6";
      String type = family == Family.IPV4 ? "ipv4_addr" : "ipv6_addr";
      int number = family == Family.IPV4 ? 4 : 6;
      sets.append(set("peers" + number, type, texts(of(peers, family), IpAddresses::text)));
      sets.append(set("names" + number, type, texts(of(resolvers, family), IpAddresses::text)));
      sets.append(some("some" + number, type, granted(Direction.INBOUND, family)));
      sets.append(every("every" + number, type, granted(Direction.INBOUND, family)));
      sets.append(some("asked" + number, type, granted(Direction.OUTBOUND, family)));
      sets.append(every("any" + number, type, granted(Direction.OUTBOUND, family)));
      sets.append("  counter %s { }\n".formatted(counter(REFUSED, family)));
      sets.append("  counter %s { }\n".formatted(counter(FORGED, family)));
      answers.append(
          """
              %1$s saddr != @peers%2$d accept
              udp sport %3$d %1$s saddr @names%2$d accept
              %1$s saddr . udp sport @asked%2$d accept
              %1$s saddr @any%2$d accept
          """
              .formatted(ip, number, MeshPorts.DNS));
      arriving.append(
          accept(ip + " daddr", texts(of(excludedAddresses, family), IpAddresses::text)));
      arriving.append(
          """
              %1$s saddr . udp dport @some%2$d accept
              %1$s saddr @every%2$d accept
              %1$s saddr @peers%2$d counter name %3$s drop
          """
              .formatted(ip, number, counter(REFUSED, family)));
      leaving.append(leaving(family, ip, number));
    }
    return """
    %s  chain %s {
    %s%s%s  }
      chain %s {
        type filter hook input priority 0; policy accept;
        iifname "lo" accept
        meta l4proto != udp accept
        ct state established ct direction reply jump %s
    %s%s%s    ip6 saddr fe80::/10 counter name %s drop
      }
      chain %s {
        type filter hook postrouting priority 300; policy accept;
        oifname "lo" accept
        meta l4proto tcp accept
    %s  }
    """
        .formatted(
            sets,
            ANSWERS,
            interfaces,
            accept("udp sport", texts(askedPorts, String::valueOf)),
            answers,
            CHAIN,
            ANSWERS,
            accept("udp dport", texts(excludedPorts, String::valueOf)),
            arriving,
            interfaces,
            counter(REFUSED, Family.IPV6),
            SENDING_CHAIN,
            leaving);
  }

  private String leaving(Family family, String ip, int number) {
    String counter = counter(FORGED, family);
    String forged = "    %s saddr @peers%d counter name %s drop\n".formatted(ip, number, counter);
    if (own.isEmpty()) {
      return forged; // found by its processes before the registry names an address
    }
    List<String> known = texts(of(own, family), IpAddresses::text);
    return forged
        + """
            udp dport %5$d %1$s daddr @names%2$d accept
            meta l4proto udp %1$s daddr @peers%2$d%4$s counter name %3$s drop
        """
            .formatted(
                ip,
                number,
                counter,
                known.isEmpty() ? "" : " %s saddr != %s".formatted(ip, anyOf(known)),
                MeshPorts.DNS);
  }

  /**
   * Name of an empty chain of the table that was raised for these: by it the next daemon knows that
   * they need not be written again.
   */
  String mark() {
    return "for_" + RulesProof.digest(ClientAddresses.ADD + render()).substring(0, 32);
  }

  private List<Datagram> granted(Direction direction, Family family) {
    return granted.stream()
        .filter(one -> one.direction() == direction && Family.of(one.peer()) == family)
        .toList();
  }

  private static String some(String name, String type, List<Datagram> granted) {
    return set(
        name,
        type + " . inet_service",
        texts(
            granted.stream().filter(one -> one.port() != 0).toList(),
            one -> IpAddresses.text(one.peer()) + " . " + one.port()));
  }

  private static String every(String name, String type, List<Datagram> granted) {
    return set(
        name,
        type,
        texts(
            granted.stream().filter(one -> one.port() == 0).toList(),
            one -> IpAddresses.text(one.peer())));
  }

  private static String accept(String match, List<String> elements) {
    return elements.isEmpty() ? "" : "    %s %s accept\n".formatted(match, anyOf(elements));
  }

  private static String anyOf(List<String> elements) {
    return "{ " + String.join(", ", elements) + " }";
  }

  private static List<InetAddress> of(Set<InetAddress> addresses, Family family) {
    return addresses.stream().filter(each -> Family.of(each) == family).toList();
  }

  private static <T> List<String> texts(Collection<T> all, Function<T, String> text) {
    return all.stream().map(text).sorted().toList();
  }

  private static String set(String name, String type, List<String> elements) {
    return "  set %s { type %s;%s }\n"
        .formatted(
            name,
            type,
            elements.isEmpty()
                ? ""
                : elements.stream().collect(Collectors.joining(", ", " elements = { ", " };")));
  }
}
