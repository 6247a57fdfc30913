package io.sluice.proxy;

import io.sluice.proxy.hbone.HboneExchange;
import io.sluice.proxy.hbone.HboneServer;

/** Makes a connection of each stream that a peer opens to a pod. Runs on one event loop. */
final class HboneRequests implements HboneServer.Requests {
  private final DataPath path;
  private final Pod pod;
  private final Loop loop;

  HboneRequests(DataPath path, Pod pod, Loop loop) {
    this.path = path;
    this.pod = pod;
    this.loop = loop;
  }

  @Override
  public void connect(HboneExchange exchange) {
    path.accepted.increment();
    new Connection(path, pod, loop, exchange).begin();
  }
}
