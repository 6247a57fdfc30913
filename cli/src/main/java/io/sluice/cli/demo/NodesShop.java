package io.sluice.cli.demo;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The applications on both nodes. For one platform thread. */
final class NodesShop implements AutoCloseable {
  private final Map<DemoPod, NetnsHandle> namespaces = new EnumMap<>(DemoPod.class);
  private final List<DemoServer> servers = new ArrayList<>();

  private NodesShop() {}

  /** Opens every server; the namespaces must be there. */
  static NodesShop open(NodesPlan plan) {
    NodesShop shop = new NodesShop();
    try {
      LinuxNetworkNamespaces linux = new LinuxNetworkNamespaces();
      for (DemoPod pod : DemoPod.values()) {
        shop.namespaces.put(pod, linux.open(DemoPlan.path(plan.demo().netns(pod))));
      }
      shop.serve(DemoPod.STORE_V1, DemoPlan.STORE_PORT);
      shop.serve(DemoPod.STORE_V2, DemoPlan.STORE_PORT);
      shop.serve(DemoPod.WAREHOUSE, DemoPlan.WAREHOUSE_PORT);
      return shop;
    } catch (RuntimeException e) {
      shop.close();
      throw e;
    }
  }

  private void serve(DemoPod pod, int port) {
    servers.add(DemoServer.tcp(pod, netns(pod), port));
  }

  /** Open until the shop is closed; not to be closed by others. */
  NetnsHandle netns(DemoPod pod) {
    NetnsHandle handle = namespaces.get(pod);
    if (handle == null) {
      throw new IllegalStateException(pod + " has no namespace yet");
    }
    return handle;
  }

  /** One call. */
  CallResult call(DemoPod from, InetSocketAddress to) {
    return DemoConnection.call(netns(from), to);
  }

  /** One call that sends {@code words} and returns what came back. */
  String say(DemoPod from, InetSocketAddress to, String words) {
    try (DemoConnection connection = DemoConnection.open(netns(from), to)) {
      return connection.echo(words);
    }
  }

  /** Connections that reached the applications of the pod. */
  long accepted(DemoPod pod) {
    long sum = 0;
    for (DemoServer server : servers) {
      for (IpFamily family : IpFamily.values()) {
        sum += server.pod() == pod ? server.accepted(family) : 0;
      }
    }
    return sum;
  }

  @Override
  public void close() {
    servers.forEach(DemoServer::close);
    namespaces.values().forEach(NetnsHandle::close);
    servers.clear();
    namespaces.clear();
  }
}
