package io.sluice.kernel;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.SteeredPod;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * An enrolled pod with three interfaces, and a neighbour outside the mesh at the other end of all
 * three, who has every address that is nobody else's. Both serve every port of {@link
 * RandomFlows#PORTS} on all their addresses, so that each flow that gets through is answered.
 */
final class FlowSite implements AutoCloseable {
  static final String PRIMARY = "eth0";

  /** Number within the address plan by name of the second interfaces. */
  private static final Map<String, Integer> SECOND = Map.of("net1", 30, "net2", 31);

  private static final int POD = 1;
  private static final int NEIGHBOUR = 2;

  /**
   * Not flows of the application: the proxy's own, and neighbour discovery; and the second verdict
   * of what was let pass as the pod's own.
   */
  private static final Set<String> NOT_OURS = Set.of("proxy_socket", "raw_socket", "strayed");

  /** Away from the ports that flows come from. */
  private static final String EPHEMERAL_PORTS = "50000 65535";

  final SitePod pod;
  final SitePod neighbour;
  private final Site site;
  private final List<TcpServer> servers = new ArrayList<>();

  private FlowSite(Site site) {
    this.site = site;
    this.pod = site.pod("pod");
    this.neighbour = site.pod("neighbour");
  }

  /** Opens the site under a running daemon. */
  static FlowSite open(Mechanism mechanism) {
    FlowSite opened = new FlowSite(new Site("pod", "neighbour"));
    try {
      opened.connect();
      opened.serve();
      Site site = opened.site;
      site.registry().write("namespace", Manifests.namespace());
      opened.write(FlowSetting.NOTHING_EXCLUDED);
      site.registry().write("pod-" + opened.pod.name(), opened.manifest());
      site.startDaemon(mechanism.arguments());
      return opened;
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private void connect() {
    for (SitePod each : List.of(pod, neighbour)) {
      each.sysctl("net/ipv4/ip_local_port_range", EPHEMERAL_PORTS);
      each.sysctl("net/ipv4/ping_group_range", "0 0");
    }
    for (String name : SECOND.keySet()) {
      Commands.ip(
          pod.netns(),
          List.of(
              "link add %1$s type veth peer name %1$s netns %2$s"
                  .formatted(name, neighbour.netns())));
      attach(pod, name, POD);
      attach(neighbour, name, NEIGHBOUR);
    }
    for (Family family : Family.values()) {
      // Each interface leads everywhere, for sockets that are bound to it.
      route(pod, "replace", family, neighbour.address(family), PRIMARY, "");
      route(neighbour, "replace", family, pod.address(family), PRIMARY, "");
      for (String name : SECOND.keySet()) {
        route(pod, "add", family, second(name, family, NEIGHBOUR), name, metric(name));
        route(neighbour, "add", family, second(name, family, POD), name, metric(name));
      }
    }
    List<String> elsewhere = new ArrayList<>();
    RandomFlows.ELSEWHERE.forEach(address ->
        elsewhere.add(
            "addr add " + address + (isIpv4(address) ? "/32" : "/128 nodad") + " dev lo"));
    Commands.ip(neighbour.netns(), elsewhere);
    for (SitePod each : List.of(pod, neighbour)) {
      for (String name : List.of("all", PRIMARY, "net1", "net2")) {
        each.sysctl("net/ipv4/conf/" + name + "/rp_filter", "0");
      }
    }
  }

  private static void attach(SitePod to, String name, int host) {
    Commands.ip(
        to.netns(),
        List.of(
            "link set %s up".formatted(name),
            "addr add %s/24 dev %s".formatted(text(second(name, Family.IPV4, host)), name),
            "addr add %s/64 dev %s nodad".formatted(text(second(name, Family.IPV6, host)), name)));
  }

  private static void route(
      SitePod in, String verb, Family family, InetAddress via, String device, String metric) {
    String all = family == Family.IPV4 ? "0.0.0.0/0" : "::/0";
    Commands.ip(
        in.netns(),
        List.of("route %s %s via %s dev %s%s".formatted(verb, all, text(via), device, metric)));
  }

  private static String metric(String name) {
    return " metric " + 1_000 * SECOND.getOrDefault(name, 0);
  }

  private static boolean isIpv4(String address) {
    return Family.of(IpAddresses.parse(address)) == Family.IPV4;
  }

  private static String text(InetAddress address) {
    return IpAddresses.text(address);
  }

  private static InetAddress second(String name, Family family, int host) {
    Integer number = SECOND.get(name);
    return IpAddresses.parse(
        (family == Family.IPV4 ? "172.%d.0.%d" : "fd%d::%d").formatted(number, host));
  }

  /** Tells each client the port from which it was called, without being asked. */
  private void serve() {
    for (SitePod each : List.of(pod, neighbour)) {
      for (int port : RandomFlows.PORTS) {
        InetSocketAddress any = new InetSocketAddress(IpAddresses.parse("::"), port);
        servers.add(TcpServer.open(each, any, FlowSite::tellPort));
      }
    }
  }

  private static void tellPort(SocketChannel channel) throws IOException {
    int port = ((InetSocketAddress) channel.getRemoteAddress()).getPort();
    channel.write(ByteBuffer.wrap(Integer.toString(port).getBytes(StandardCharsets.US_ASCII)));
  }

  /** Names of the interfaces that are not the primary one. */
  static List<String> secondInterfaces() {
    return SECOND.keySet().stream().sorted().toList();
  }

  /** Some of its ports have probes, which opens them to the node and to nobody else. */
  private String manifest() {
    String probes = "containers: [{name: c, readinessProbe: {tcpSocket: {port: %d}}}]";
    return Manifests.pod(pod, second())
        .replace("containers: []", probes.formatted(RandomFlows.PORTS.get(1)));
  }

  /** All of the pod's addresses on its second interfaces, of which a registry knows. */
  private InetAddress[] second() {
    return secondInterfaces().stream()
        .flatMap(name -> Stream.of(Family.values()).map(family -> address(pod, name, family)))
        .toArray(InetAddress[]::new);
  }

  /** Address of an interface, at the pod's or the neighbour's end. */
  InetAddress address(SitePod of, String interfaceName, Family family) {
    return interfaceName.equals(PRIMARY)
        ? of.address(family)
        : second(interfaceName, family, of.equals(pod) ? POD : NEIGHBOUR);
  }

  /** The pod as the model sees it under a setting. */
  SteeredPod steered(FlowSetting setting) {
    List<SteeredPod.Interface> interfaces = new ArrayList<>();
    interfaces.add(attached(PRIMARY, Cidr.parse("10.77.0.0/16"), Cidr.parse("fd77::/64")));
    SECOND.forEach((name, number) ->
        interfaces.add(
            attached(
                name,
                Cidr.parse("172.%d.0.0/24".formatted(number)),
                Cidr.parse("fd%d::/64".formatted(number)))));
    return new SteeredPod(setting.interception(), setting.permissive(), PRIMARY, interfaces);
  }

  private SteeredPod.Interface attached(String name, Cidr ipv4, Cidr ipv6) {
    return new SteeredPod.Interface(
        name,
        Set.of(address(pod, name, Family.IPV4), address(pod, name, Family.IPV6)),
        Set.of(ipv4, ipv6));
  }

  /** Writes the setting and returns when it is in force. */
  void configure(FlowSetting setting) {
    long before = enforced();
    int changes = site.registry().changes();
    write(setting);
    if (site.registry().changes() != changes) {
      Await.until("every pod is brought to the change", () -> enforced() > before);
    }
  }

  private void write(FlowSetting setting) {
    site.registry()
        .write(
            "mesh-config",
            Manifests.meshConfig(setting.permissive(), true, setting.lists())
                + setting.isolation());
  }

  private long enforced() {
    return view().status().path("enforcedRevision").asLong();
  }

  DaemonView view() {
    return site.daemon().view();
  }

  /** The kernel's counters of the pod's own flows, written as {@link #key} does. */
  Map<String, Long> counted() {
    Map<String, Long> counts = new TreeMap<>();
    for (Map<String, String> row : view().dump("verdict_counters")) {
      if (pod.meshName().equals(row.get("pod"))
          && !NOT_OURS.contains(row.getOrDefault("reason", ""))) {
        counts.put(
            key(
                row.getOrDefault("family", ""),
                row.getOrDefault("direction", ""),
                row.getOrDefault("verdict", ""),
                row.getOrDefault("reason", "")),
            Long.parseLong(row.getOrDefault("count", "0")));
      }
    }
    return counts;
  }

  /** How a counter is written here. */
  static String key(String family, String direction, String outcome, String reason) {
    return String.join(" ", family, direction, outcome, reason);
  }

  @Override
  public void close() {
    servers.forEach(TcpServer::close);
    site.close();
  }
}
