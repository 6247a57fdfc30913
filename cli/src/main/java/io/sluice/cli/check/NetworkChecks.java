package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.mesh.MeshPorts;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Interfaces, routes, names, the table of connections, and ports of the node. */
final class NetworkChecks {
  private static final String NET = "proc/sys/net/";
  private static final int LEAST_MTU = 1280;

  /** IFF_UP of {@code netdevice(7)}. */
  private static final int UP = 1;

  private NetworkChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("interfaces", NetworkChecks::interfaces),
        new Check("MTU", NetworkChecks::mtu),
        new Check("routes", NetworkChecks::routes),
        new Check("name servers", NetworkChecks::resolvers),
        new Check("table of connections", NetworkChecks::conntrack),
        new Check("ports of the mesh", NetworkChecks::ports));
  }

  private static void interfaces(Facts facts, Sink found) {
    facts
        .host()
        .text("sys/class/net/lo/flags")
        .map(text -> Integer.decode(text) & UP)
        .filter(up -> up == 0)
        .ifPresent(up -> found.add(Code.LOOPBACK_DOWN, "lo", "it is not up"));
    facts
        .host()
        .number(NET + "ipv6/conf/all/disable_ipv6")
        .filter(value -> value == 1)
        .ifPresent(value -> found.add(Code.NO_IPV6, "net.ipv6.conf.all.disable_ipv6", "it is 1"));
  }

  private static Optional<Long> mtu(Host host, String link) {
    return host.number("sys/class/net/" + link + "/mtu");
  }

  private static void mtu(Facts facts, Sink found) {
    Host host = facts.host();
    Optional<String> uplink = uplink(host);
    for (String link : host.names("sys/class/net")) {
      long own = mtu(host, link).orElse((long) LEAST_MTU);
      if (own < LEAST_MTU && own > 0) {
        found.add(Code.MTU_SMALL, link, own + " bytes");
      }
      long out = uplink.flatMap(name -> mtu(host, name)).orElse(Long.MAX_VALUE);
      if (isOfPods(link) && own > out) {
        found.add(Code.MTU_DIFFERS, link, own + " bytes, " + uplink.orElse("") + " has " + out);
      }
    }
  }

  /** Bridges and ends that the usual network plugins make. */
  private static boolean isOfPods(String link) {
    return link.startsWith("cni")
        || link.startsWith("cali")
        || link.startsWith("lxc")
        || link.startsWith("veth")
        || link.startsWith("flannel");
  }

  /** The interface of the default route (proc(5), net/route: destination 0). */
  private static Optional<String> uplink(Host host) {
    return host.lines("proc/net/route").stream()
        .map(line -> line.split("\\s+"))
        .filter(
            words -> words.length > 7 && words[1].equals("00000000") && words[7].equals("00000000"))
        .map(words -> words[0])
        .findFirst();
  }

  private static void routes(Facts facts, Sink found) {
    Host host = facts.host();
    boolean six =
        host.lines("proc/net/ipv6_route").stream()
            .anyMatch(
                line -> line.startsWith("0".repeat(32) + " 00 ") && !line.strip().endsWith(" lo"));
    if (uplink(host).isEmpty() && !six) {
      found.add(Code.NO_ROUTE, "routes", "none has destination 0.0.0.0/0 or ::/0");
    }
    boolean hasPods = host.names("sys/class/net").stream().anyMatch(NetworkChecks::isOfPods);
    if (hasPods && host.number(NET + "ipv4/ip_forward").filter(value -> value == 0).isPresent()) {
      found.add(Code.NO_FORWARDING, "net.ipv4.ip_forward", "it is 0");
    }
  }

  private static void resolvers(Facts facts, Sink found) throws NotThereException {
    List<String> servers = facts.host().nameServers();
    if (servers.isEmpty()) {
      found.add(Code.NO_RESOLVER, "/etc/resolv.conf", "no line begins with nameserver");
      return;
    }
    if (servers.size() > 3) {
      found.add(Code.MANY_RESOLVERS, "/etc/resolv.conf", String.join(", ", servers));
    }
    JsonNode resolver = facts.of(Topic.RESOLVER);
    if (!resolver.path("answered").asBoolean(true)) {
      found.add(Code.RESOLVER_FAILS, "/etc/resolv.conf", resolver.path("asked").asText());
    }
  }

  private static void conntrack(Facts facts, Sink found) {
    long used = facts.host().number(NET + "netfilter/nf_conntrack_count").orElse(0L);
    long most = facts.host().number(NET + "netfilter/nf_conntrack_max").orElse(0L);
    if (most > 0) {
      String seen = used + " of " + most + " entries";
      if (used * 100 >= most * 99) {
        found.add(Code.CONNTRACK_FULL, "nf_conntrack", seen);
      } else if (used * 10 > most * 8) {
        found.add(Code.CONNTRACK_HIGH, "nf_conntrack", seen);
      }
    }
  }

  private static void ports(Facts facts, Sink found) throws NotThereException {
    Set<Integer> listening = listening(facts.host());
    if (listening.contains(MeshPorts.HBONE)) {
      found.add(Code.PORT_HBONE, "port " + MeshPorts.HBONE, "a socket of the node listens");
    }
    if (listening.contains(MeshPorts.CONTROL) && isAbsent(facts, Topic.CONTROLLER)) {
      found.add(
          Code.PORT_CONTROL,
          "port " + MeshPorts.CONTROL,
          "a socket listens, and no controller of this machine answers");
    }
    if (listening.contains(MeshPorts.NODE_METRICS)
        && isAbsent(facts, Topic.STATUS)
        && !isOfADaemon(facts, MeshPorts.NODE_METRICS)) {
      found.add(
          Code.PORT_METRICS,
          "port " + MeshPorts.NODE_METRICS,
          "a socket listens, and no daemon of this machine has it");
    }
  }

  /** One that is silent may have it. */
  private static boolean isOfADaemon(Facts facts, int port) throws NotThereException {
    for (JsonNode daemon : facts.of(Topic.DAEMONS)) {
      String address = daemon.path("metricsAddress").asText();
      if (address.equals(NodeFacts.UNKNOWN) || address.endsWith(":" + port)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isAbsent(Facts facts, Topic topic) {
    try {
      return facts.of(topic).has("silence");
    } catch (NotThereException e) {
      return true;
    }
  }

  /** Ports in state LISTEN, 0A (proc(5), net/tcp), of both families. */
  static Set<Integer> listening(Host host) {
    Set<Integer> ports = new TreeSet<>();
    for (String file : List.of("proc/net/tcp", "proc/net/tcp6")) {
      for (String line : host.lines(file)) {
        String[] words = line.strip().split("\\s+");
        if (words.length > 3 && words[3].equals("0A")) {
          ports.add(Integer.parseInt(words[1].substring(words[1].indexOf(':') + 1), 16));
        }
      }
    }
    return ports;
  }
}
