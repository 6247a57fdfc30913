package io.sluice.lab.demo;

import io.sluice.lab.site.SitePod;
import io.sluice.linux.LinuxException;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.mesh.IpAddresses;
import io.sluice.node.NodeSettings;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Names, paths and addresses of one demo. Whatever has the name of the node in it belongs to the
 * demo and may be removed by the next one.
 *
 * @param node name of the demo's node; where there are several, theirs begin with it
 * @param nodes how many there are, 1 or 2
 */
record DemoPlan(String node, int nodes) {
  private static final List<String> LETTERS = List.of("a", "b");

  /** The node of a demo that has only one; its daemon is in this machine's own network. */
  DemoNode only() {
    return new DemoNode(node, SitePod.thisMachine(), directory(), registry());
  }

  /** The nodes of a demo that has several. */
  List<DemoNode> several() {
    return LETTERS.stream().map(this::lettered).toList();
  }

  private DemoNode lettered(String letter) {
    return new DemoNode(
        node + "-" + letter,
        new SitePod(letter, prefix() + "-" + letter, 0),
        directory().resolve(letter),
        registry());
  }

  /** Every node that this demo, or an earlier one of its name, may have left something of. */
  List<String> nodeNames() {
    List<String> names = new ArrayList<>(List.of(node));
    several().stream()
        .filter(several -> nodes > 1 || Files.exists(several.directory()))
        .forEach(several -> names.add(several.name()));
    return names;
  }

  /** Kubernetes namespace of all pods. */
  static final String MESH_NAMESPACE = "shop";

  static final int SERVICE_PORT = 80;
  static final int STORE_PORT = 8080;

  /** HTTP/1.1 of the stores, at the Service too; the one that OSM's users know. */
  static final int BOOKS_PORT = 14001;

  /** HTTP/2 of the stores, at the Service too. */
  static final int GRPC_PORT = 14002;

  static final int WAREHOUSE_PORT = 9000;
  static final int BANK_PORT = 7443;
  static final int DNS_PORT = 53;
  static final int OTHER_DATAGRAM_PORT = 4433;

  /** Where {@code ip netns} keeps names. */
  static final Path NAMED_NAMESPACES = Path.of("/run/netns");

  /** Network namespace of a pod. */
  String netns(DemoPod pod) {
    return pod.inMesh() ? prefix() + "-" + pod.label() : network();
  }

  /** The pod, or what plays the bank, as a namespace. */
  SitePod machine(DemoPod pod) {
    return new SitePod(pod.label(), netns(pod), 0);
  }

  /** Network namespace that holds the bridge between the pods. */
  String network() {
    return prefix() + "-net";
  }

  /** Network namespace of the controller, where there is one. */
  String controlNetwork() {
    return prefix() + "-control";
  }

  /** All of a demo of one node. */
  List<String> namespaces() {
    List<String> names = new ArrayList<>(List.of(network()));
    DemoPod.enrolled().forEach(pod -> names.add(netns(pod)));
    return names;
  }

  /** All of them that are there, whichever demo has made them. */
  List<String> presentNamespaces() {
    List<String> names = new ArrayList<>(namespaces());
    names.add(controlNetwork());
    LETTERS.forEach(letter -> names.add(prefix() + "-" + letter));
    return names.stream().filter(name -> Files.exists(path(name))).toList();
  }

  static Path path(String netns) {
    return NAMED_NAMESPACES.resolve(netns);
  }

  /** Registry, state and logs; gone after a reboot, as the namespaces are. */
  Path directory() {
    return Path.of("/run", prefix());
  }

  Path registry() {
    return directory().resolve("registry");
  }

  Path accessLog() {
    return only().accessLog();
  }

  /** Held by a running demo. */
  Path lock() {
    return directory().resolve("lock");
  }

  /** Address of the page of a demo that was kept. */
  Path page() {
    return directory().resolve("page");
  }

  /** Present while a demo was left running on purpose. */
  Path keptMark() {
    return directory().resolve("kept");
  }

  /** Where the daemons of this demo keep themselves; iptables mode works without cgroup2. */
  List<Path> cgroups() {
    try {
      Path root = Cgroups.rootV2();
      return nodeNames().stream().map(name -> root.resolve("sluice-" + name)).toList();
    } catch (LinuxException e) {
      return List.of();
    }
  }

  /** The daemons' directories for their admin sockets. */
  List<Path> runtimes() {
    return nodeNames().stream().map(NodeSettings.RUNTIME_ROOT::resolve).toList();
  }

  static InetSocketAddress storeService(IpFamily family) {
    return service(family, 10, SERVICE_PORT);
  }

  /** The bookstore's Service at another port of it. */
  static InetSocketAddress books(IpFamily family, int port) {
    return service(family, 10, port);
  }

  static InetSocketAddress warehouseService(IpFamily family) {
    return service(family, 20, WAREHOUSE_PORT);
  }

  private static InetSocketAddress service(IpFamily family, int number, int port) {
    return new InetSocketAddress(IpAddresses.parse(serviceAddress(family, number)), port);
  }

  static String serviceAddress(IpFamily family, int number) {
    return switch (family) {
      case IPV4 -> "10.83.1." + number;
      case IPV6 -> "fd5d:5c1e:0:1::" + number;
    };
  }

  private String prefix() {
    return "sluice-" + node;
  }
}
