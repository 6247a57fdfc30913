package io.sluice.lab.demo;

import io.sluice.linux.netns.NetnsHandle;
import java.net.InetSocketAddress;

/** The applications on both nodes. For one platform thread. */
final class NodesShop implements AutoCloseable {
  private final DemoServers servers;

  private NodesShop(DemoServers servers) {
    this.servers = servers;
  }

  /** Opens every server; the namespaces must be there. */
  static NodesShop open(NodesPlan plan) {
    return new NodesShop(DemoServers.open(plan.demo()));
  }

  /** Open until the shop is closed; not to be closed by others. */
  NetnsHandle netns(DemoPod pod) {
    return servers.netns(pod);
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
    return servers.accepted(pod);
  }

  @Override
  public void close() {
    servers.close();
  }
}
