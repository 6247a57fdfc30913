package io.sluice.iptables;

import io.sluice.iptables.PodTraffic.Datagram;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What of datagrams from other pods of the mesh a pod takes, where rules intercept: what UDPRoutes
 * grant, and answers, which connection tracking knows. Asked beside it: that no datagram leaves
 * from an address of another pod. Part of the table of {@link ClientAddresses}: sets hold the
 * addresses of the mesh, since a rule for each would be asked about each datagram.
 *
 * @param strict whether anything is asked
 * @param peers addresses of the mesh that are not the pod's own
 * @param granted what of them is granted
 * @param excludedPorts ports of the pod that anybody may send to
 * @param excludedAddresses addresses of the pod that are left alone
 */
public record ArrivingDatagrams(
    boolean strict,
    Set<InetAddress> peers,
    Set<Datagram> granted,
    Set<Integer> excludedPorts,
    Set<InetAddress> excludedAddresses) {
  /** Nothing is asked. */
  public static final ArrivingDatagrams NOT_ASKED =
      new ArrivingDatagrams(false, Set.of(), Set.of(), Set.of(), Set.of());

  static final String CHAIN = "datagrams";
  static final String SENDING_CHAIN = "senders";
  static final String REFUSED = "refused";
  static final String FORGED = "forged";

  public ArrivingDatagrams {
    peers = Set.copyOf(peers);
    granted = Set.copyOf(granted);
    excludedPorts = Set.copyOf(excludedPorts);
    excludedAddresses = Set.copyOf(excludedAddresses);
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
    StringBuilder arriving = new StringBuilder();
    StringBuilder leaving = new StringBuilder();
    for (Family family : Family.values()) {
      String ip = family == Family.IPV4 ? "ip" : "ip6";
      String type = family == Family.IPV4 ? "ipv4_addr" : "ipv6_addr";
      int number = family == Family.IPV4 ? 4 : 6;
      sets.append(set("peers" + number, type, texts(of(peers, family), IpAddresses::text)));
      sets.append(
          set(
              "some" + number,
              type + " . inet_service",
              texts(
                  inbound(family).stream().filter(one -> one.port() != 0).toList(),
                  one -> IpAddresses.text(one.peer()) + " . " + one.port())));
      sets.append(
          set(
              "every" + number,
              type,
              texts(
                  inbound(family).stream().filter(one -> one.port() == 0).toList(),
                  one -> IpAddresses.text(one.peer()))));
      sets.append("  counter %s { }\n".formatted(counter(REFUSED, family)));
      sets.append("  counter %s { }\n".formatted(counter(FORGED, family)));
      List<String> excluded = texts(of(excludedAddresses, family), IpAddresses::text);
      if (!excluded.isEmpty()) {
        arriving.append("    %s daddr { %s } accept\n".formatted(ip, String.join(", ", excluded)));
      }
      arriving.append(
          """
              %1$s saddr . udp dport @some%2$d accept
              %1$s saddr @every%2$d accept
              %1$s saddr @peers%2$d counter name %3$s drop
          """
              .formatted(ip, number, counter(REFUSED, family)));
      leaving.append(
          "    %s saddr @peers%d counter name %s drop\n"
              .formatted(ip, number, counter(FORGED, family)));
    }
    String ports =
        excludedPorts.isEmpty()
            ? ""
            : "    udp dport { %s } accept\n"
                .formatted(String.join(", ", texts(excludedPorts, String::valueOf)));
    return """
    %s  chain %s {
        type filter hook input priority 0; policy accept;
        iifname "lo" accept
        meta l4proto != udp accept
        ct state established ct direction reply accept
    %s%s  }
      chain %s {
        type filter hook output priority -300; policy accept;
        oifname "lo" accept
        meta l4proto tcp accept
    %s  }
    """
        .formatted(sets, CHAIN, ports, arriving, SENDING_CHAIN, leaving);
  }

  /**
   * Name of an empty chain of the table that was raised for these: by it the next daemon knows that
   * they need not be written again.
   */
  String mark() {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(render().getBytes(StandardCharsets.UTF_8));
      return "for_" + HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  private List<Datagram> inbound(Family family) {
    return granted.stream()
        .filter(one -> one.direction() == Direction.INBOUND && Family.of(one.peer()) == family)
        .toList();
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
