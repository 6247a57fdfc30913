package io.sluice.benchmarks;

import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Two nodes; on the first is a client's pod for each {@link Crossing}, on the second a server's.
 */
final class NodesTestbed implements AutoCloseable {
  /** Port on which a proxy in the client's pod stands for a port of the server. */
  static final int PEER_PORT_OFFSET = 10_000;

  private final Cluster cluster;
  private final Map<Crossing, LoadPath> paths = new EnumMap<>(Crossing.class);
  private final List<NetnsHandle> opened = new ArrayList<>();

  /** Makes everything; {@code directory} is there and empty. */
  NodesTestbed(String name, Path directory, Set<Crossing> crossings) {
    this.cluster = new Cluster(name, directory, pods(crossings, 0), pods(crossings, 1));
    for (Crossing crossing : withPods(crossings)) {
      LoadPath path =
          LoadPath.straight(
              crossing.heading(),
              opened(crossing, 0),
              opened(crossing, 1),
              podAddress(crossing, 1));
      paths.put(
          crossing,
          Crossing.PEERS.contains(crossing)
              ? new LoadPath(
                  crossing.heading(),
                  path.client(),
                  path.server(),
                  path.serverAddress(),
                  "127.0.0.1",
                  PEER_PORT_OFFSET)
              : path);
    }
    if (crossings.contains(Crossing.AS_BYTES)) {
      paths.put(Crossing.AS_BYTES, path(Crossing.MUTUAL_TLS).asBytes());
    }
  }

  /** Those that have pods of their own. */
  static Set<Crossing> withPods(Set<Crossing> crossings) {
    Set<Crossing> own = EnumSet.copyOf(crossings);
    own.remove(Crossing.AS_BYTES);
    return own;
  }

  private static List<String> pods(Set<Crossing> crossings, int side) {
    return withPods(crossings).stream().map(crossing -> podName(crossing, side)).toList();
  }

  private static String podName(Crossing crossing, int side) {
    return "x" + crossing.ordinal() + (side == 0 ? "client" : "server");
  }

  private NetnsHandle opened(Crossing crossing, int side) {
    SitePod pod = pod(crossing, side);
    pod.allowManyConnections();
    NetnsHandle handle = pod.open();
    opened.add(handle);
    return handle;
  }

  /** The network of a node: 0 is the clients', 1 the servers'. */
  SitePod node(int side) {
    return cluster.sites().get(side).node();
  }

  /** Reached by both nodes. */
  SitePod controlMachine() {
    return cluster.controlMachine();
  }

  /** Of 0, the client's side, or 1, the server's. */
  SitePod pod(Crossing crossing, int side) {
    return cluster.pod(podName(crossing, side));
  }

  String podAddress(Crossing crossing, int side) {
    return IpAddresses.text(pod(crossing, side).address(Family.IPV4));
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
  public void close() {
    opened.forEach(NetnsHandle::close);
    cluster.close();
  }
}
