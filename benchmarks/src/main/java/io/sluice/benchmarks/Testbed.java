package io.sluice.benchmarks;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Network namespaces that stand for pods, joined by a bridge that lives in a namespace of its own:
 * the host's network is never touched. Two of them are the direct path and are never enrolled; of
 * the others the first two carry the load and the rest are idle.
 */
final class Testbed implements AutoCloseable {
  static final String PREFIX = "slxbench-";
  static final Path NAMED_NAMESPACES = Path.of("/run/netns");
  private static final int FIRST_POD = 2; // behind the two direct namespaces

  private final NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  private final String name;
  private final int pods;
  private final List<NetnsHandle> opened = new ArrayList<>();

  private Testbed(String name, int pods) {
    this.name = name;
    this.pods = pods;
  }

  /** Makes everything; {@code name} begins with {@link #PREFIX}. */
  static Testbed create(String name, int pods) throws Exception {
    Testbed testbed = new Testbed(name, pods);
    try {
      testbed.make();
      return testbed;
    } catch (Exception e) {
      testbed.close();
      throw e;
    }
  }

  private void make() throws Exception {
    List<String> all = new ArrayList<>(List.of("netns add " + name + "-lan"));
    List<String> lan = new ArrayList<>();
    lan.add("link add br0 type bridge");
    lan.add("link set br0 up");
    for (int i = 0; i < FIRST_POD + pods; i++) {
      all.add("netns add " + namespace(i));
      lan.add("link add p" + i + " type veth peer name eth0 netns " + namespace(i));
      lan.add("link set p" + i + " master br0 up");
    }
    IpCommand.batch("", all);
    IpCommand.batch(name + "-lan", lan);
    for (int i = 0; i < FIRST_POD + pods; i++) {
      IpCommand.batch(
          namespace(i),
          List.of(
              "link set lo up",
              "link set eth0 up",
              "addr add " + address(i) + "/24 dev eth0",
              "addr add " + address6(i) + "/64 dev eth0 nodad"));
    }
    for (int i = 0; i < FIRST_POD + pods; i++) {
      opened.add(namespaces.open(NAMED_NAMESPACES.resolve(namespace(i))));
    }
    for (int i = 0; i < FIRST_POD + 2; i++) {
      LoadPath.inside(opened.get(i), Testbed::allowManyConnections);
    }
  }

  /** Tens of thousands of short connections a second leave as many sockets in TIME_WAIT. */
  static Void allowManyConnections() throws IOException {
    Path settings = Path.of("/proc/sys/net/ipv4");
    Files.writeString(settings.resolve("ip_local_port_range"), "10000 65000");
    Files.writeString(settings.resolve("tcp_tw_reuse"), "1");
    return null;
  }

  private String namespace(int index) {
    return name + "-" + index;
  }

  private static String address(int index) {
    return "10.77.0." + (index + 1);
  }

  private static String address6(int index) {
    return "fd77::" + Integer.toHexString(index + 1);
  }

  /** Between the two direct namespaces, or the first two pods. */
  LoadPath path(Route route) {
    int client = route == Route.DIRECT ? 0 : FIRST_POD;
    return LoadPath.straight(
        route.name().toLowerCase(Locale.ROOT),
        opened.get(client),
        opened.get(client + 1),
        address(client + 1));
  }

  String podNamespace(int pod) {
    return namespace(FIRST_POD + pod);
  }

  String podAddress(int pod) {
    return address(FIRST_POD + pod);
  }

  String podAddress6(int pod) {
    return address6(FIRST_POD + pod);
  }

  /** Removes the namespaces, and with them every interface. */
  @Override
  public void close() throws IOException {
    opened.forEach(NetnsHandle::close);
    opened.clear();
    removeNamespaces(name);
  }

  /** Removes what a run of that name made. */
  static void removeNamespaces(String name) throws IOException {
    List<String> lines =
        names().stream()
            .filter(namespace -> namespace.startsWith(name + "-"))
            .map(namespace -> "netns del " + namespace)
            .toList();
    if (!lines.isEmpty()) {
      IpCommand.batchAll(lines);
    }
  }

  /** Every named namespace of this machine. */
  static List<String> names() throws IOException {
    if (!Files.isDirectory(NAMED_NAMESPACES)) {
      return List.of();
    }
    try (var entries = Files.list(NAMED_NAMESPACES)) {
      return entries.map(entry -> entry.getFileName().toString()).toList();
    }
  }
}
