package io.sluice.proxy.upstream;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Service;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.hbone.HbonePool;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** What the upstreams of one event loop share, which they all run on. */
public final class UpstreamLoop {
  /** The shared connections to other nodes. */
  public final HbonePool pool;

  final EventLoop executor;
  final Means means;
  final EndpointLoads loads = new EndpointLoads();
  final Consumer<LocalDial> inboundSide;
  private final Map<Near, List<List<Endpoint>>> near = new HashMap<>();
  private MeshSnapshot nearBy = MeshSnapshot.EMPTY;

  /**
   * Nothing is open yet.
   *
   * @param inboundSide takes a call to a pod of this node, on {@code executor}; answers it by
   *     accept or refuse of {@link LocalDial}, at once or later
   */
  public UpstreamLoop(
      EventLoop executor,
      Means means,
      ByteBufAllocator allocator,
      HboneEvents events,
      Consumer<LocalDial> inboundSide) {
    this.executor = executor;
    this.inboundSide = inboundSide;
    this.means = means;
    this.pool =
        new HbonePool(
            executor,
            means.settings.hbone(),
            allocator,
            key -> means.sockets.open(key.pod(), key.destination().getAddress(), Optional.empty()),
            events);
  }

  /**
   * Endpoints that go first for a caller, by its place; worked out once for each snapshot.
   *
   * @param endpoints all of that port of the service
   */
  List<List<Endpoint>> near(
      MeshSnapshot snapshot,
      Service service,
      int port,
      List<Endpoint> endpoints,
      Nearness.Caller caller) {
    if (nearBy != snapshot) {
      near.clear();
      nearBy = snapshot;
    }
    return near.computeIfAbsent(
        new Near(service.name(), port, caller),
        _ -> service.nearness().first(endpoints, snapshot, caller));
  }

  private record Near(NamespacedName service, int port, Nearness.Caller caller) {}

  /** Connections of this loop that are open now, by endpoint; on {@code executor}. */
  public Map<InetSocketAddress, Integer> live() {
    return loads.live();
  }
}
