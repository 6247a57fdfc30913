package io.sluice.lab.demo;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The namespaces of pods, and the applications that listen in them. For one platform thread. */
final class DemoServers implements AutoCloseable {
  private final Map<DemoPod, NetnsHandle> namespaces = new EnumMap<>(DemoPod.class);
  private final List<DemoServer> servers = new ArrayList<>();

  private DemoServers() {}

  /** Opens every namespace, which must be there, and both stores and the warehouse. */
  static DemoServers open(DemoPlan plan) {
    DemoServers opened = new DemoServers();
    try {
      LinuxNetworkNamespaces linux = new LinuxNetworkNamespaces();
      for (DemoPod pod : DemoPod.values()) {
        opened.namespaces.put(pod, linux.open(DemoPlan.path(plan.netns(pod))));
      }
      opened.serve(DemoPod.STORE_V1, DemoPlan.STORE_PORT);
      opened.serve(DemoPod.STORE_V2, DemoPlan.STORE_PORT);
      opened.serve(DemoPod.WAREHOUSE, DemoPlan.WAREHOUSE_PORT);
      return opened;
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  void serve(DemoPod pod, int port) {
    servers.add(DemoServer.tcp(pod, netns(pod), port));
  }

  void serveDatagrams(DemoPod pod, int port) {
    servers.add(DemoServer.udp(pod, netns(pod), port));
  }

  /** Open until this is closed; not to be closed by others. */
  NetnsHandle netns(DemoPod pod) {
    NetnsHandle handle = namespaces.get(pod);
    if (handle == null) {
      throw new IllegalStateException(pod + " has no namespace yet");
    }
    return handle;
  }

  /** Connections that reached the applications of the pod. */
  long accepted(DemoPod pod) {
    long sum = 0;
    for (IpFamily family : IpFamily.values()) {
      sum += accepted(pod, family);
    }
    return sum;
  }

  /** Connections of one family that reached the applications of the pod. */
  long accepted(DemoPod pod, IpFamily family) {
    return servers.stream()
        .filter(server -> server.pod() == pod)
        .mapToLong(server -> server.accepted(family))
        .sum();
  }

  @Override
  public void close() {
    servers.forEach(DemoServer::close);
    namespaces.values().forEach(NetnsHandle::close);
    servers.clear();
    namespaces.clear();
  }
}
