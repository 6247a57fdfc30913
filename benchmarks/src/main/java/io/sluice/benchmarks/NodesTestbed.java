package io.sluice.benchmarks;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Two network namespaces that stand for nodes, joined by a routed link. Behind the first is a
 * client's pod for each {@link Crossing}, behind the second a server's.
 */
final class NodesTestbed implements AutoCloseable {
  /** Port on which the haproxy in the client's pod stands for a port of the server. */
  static final int HAPROXY_PORT_OFFSET = 10_000;

  private static final List<String> SIDES = List.of("client", "server");

  private final NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  private final String name;
  private final Map<Crossing, LoadPath> paths = new EnumMap<>(Crossing.class);
  private final List<NetnsHandle> opened = new ArrayList<>();

  private NodesTestbed(String name) {
    this.name = name;
  }

  /** Makes everything; {@code name} begins with {@link Testbed#PREFIX}. */
  static NodesTestbed create(String name) throws Exception {
    NodesTestbed testbed = new NodesTestbed(name);
    try {
      testbed.make();
      return testbed;
    } catch (Exception e) {
      testbed.close();
      throw e;
    }
  }

  private void make() throws Exception {
    for (int side = 0; side < SIDES.size(); side++) {
      makeNode(side);
    }
    IpCommand.batch(node(0), List.of("link add wire type veth peer name wire netns " + node(1)));
    for (int side = 0; side < SIDES.size(); side++) {
      IpCommand.batch(
          node(side),
          List.of(
              "link set wire up",
              "addr add 10.79.0." + (side + 1) + "/24 dev wire",
              "route add 10.79." + (2 - side) + ".0/24 via 10.79.0." + (2 - side)));
    }
    for (Crossing crossing : Crossing.values()) {
      NetnsHandle client = open(pod(crossing, 0));
      NetnsHandle server = open(pod(crossing, 1));
      LoadPath path =
          LoadPath.straight(crossing.heading(), client, server, podAddress(crossing, 1));
      paths.put(
          crossing,
          crossing == Crossing.HAPROXY
              ? new LoadPath(
                  crossing.heading(),
                  client,
                  server,
                  path.serverAddress(),
                  "127.0.0.1",
                  HAPROXY_PORT_OFFSET)
              : path);
    }
  }

  private void makeNode(int side) throws Exception {
    List<String> all = new ArrayList<>(List.of("netns add " + node(side)));
    List<String> inside =
        new ArrayList<>(
            List.of(
                "link set lo up",
                "link add pods type bridge",
                "link set pods up",
                "addr add 10.79." + (side + 1) + ".254/24 dev pods"));
    for (Crossing crossing : Crossing.values()) {
      all.add("netns add " + pod(crossing, side));
      String port = "p" + crossing.ordinal();
      inside.add("link add " + port + " type veth peer name eth0 netns " + pod(crossing, side));
      inside.add("link set " + port + " master pods up");
    }
    IpCommand.batch("", all);
    IpCommand.batch(node(side), inside);
    LoadPath.inside(open(node(side)), NodesTestbed::allowForwarding);
    for (Crossing crossing : Crossing.values()) {
      IpCommand.batch(
          pod(crossing, side),
          List.of(
              "link set lo up",
              "link set eth0 up",
              "addr add " + podAddress(crossing, side) + "/24 dev eth0",
              "route add default via 10.79." + (side + 1) + ".254"));
      LoadPath.inside(open(pod(crossing, side)), Testbed::allowManyConnections);
    }
  }

  private static Void allowForwarding() throws IOException {
    Files.writeString(Path.of("/proc/sys/net/ipv4/ip_forward"), "1");
    return null;
  }

  private NetnsHandle open(String namespace) {
    NetnsHandle handle = namespaces.open(Testbed.NAMED_NAMESPACES.resolve(namespace));
    opened.add(handle);
    return handle;
  }

  /** Namespace of a node: 0 is the clients', 1 the servers'. */
  String node(int side) {
    return name + "-node" + side;
  }

  /** Address of the client's node on the link, which both nodes reach. */
  String controllerAddress() {
    return "10.79.0.1";
  }

  /** Namespace of a pod: 0 is the client's side, 1 the server's. */
  String pod(Crossing crossing, int side) {
    return name + "-x" + crossing.ordinal() + SIDES.get(side);
  }

  String podAddress(Crossing crossing, int side) {
    return "10.79." + (side + 1) + "." + (crossing.ordinal() + 1);
  }

  LoadPath path(Crossing crossing) {
    LoadPath path = paths.get(crossing);
    if (path == null) {
      throw new IllegalStateException("no path was made for " + crossing);
    }
    return path;
  }

  /** Removes the namespaces, and with them every interface. */
  @Override
  public void close() throws IOException {
    opened.forEach(NetnsHandle::close);
    opened.clear();
    Testbed.removeNamespaces(name);
  }
}
