package io.sluice.cli.demo;

import io.sluice.linux.LinuxException;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.mesh.IpAddresses;
import io.sluice.node.NodeSettings;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Names, paths and addresses of one demo. Whatever has the name of the node in it belongs to the
 * demo and may be removed by the next one.
 *
 * @param node name of the demo's node
 */
record DemoPlan(String node) {
  /** Kubernetes namespace of all pods. */
  static final String MESH_NAMESPACE = "shop";

  static final int SERVICE_PORT = 80;
  static final int STORE_PORT = 8080;
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

  /** Network namespace that holds the bridge between the pods. */
  String network() {
    return prefix() + "-net";
  }

  /** All of them. */
  List<String> namespaces() {
    List<String> names = new ArrayList<>(List.of(network()));
    DemoPod.enrolled().forEach(pod -> names.add(netns(pod)));
    return names;
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

  Path state() {
    return directory().resolve("state");
  }

  Path accessLog() {
    return state().resolve("access.log");
  }

  Path daemonLog() {
    return directory().resolve("daemon.log");
  }

  /** Held by a running demo. */
  Path lock() {
    return directory().resolve("lock");
  }

  /** Present while a demo was left running on purpose. */
  Path keptMark() {
    return directory().resolve("kept");
  }

  /** Where the daemon of this node keeps itself; iptables mode works without cgroup2. */
  Optional<Path> cgroup() {
    try {
      return Optional.of(Cgroups.rootV2().resolve(prefix()));
    } catch (LinuxException e) {
      return Optional.empty();
    }
  }

  /** The daemon's directory for its admin socket. */
  Path runtime() {
    return NodeSettings.RUNTIME_ROOT.resolve(node);
  }

  static InetSocketAddress storeService(IpFamily family) {
    return service(family, 10, SERVICE_PORT);
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
