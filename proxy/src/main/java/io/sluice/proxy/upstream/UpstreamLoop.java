package io.sluice.proxy.upstream;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.hbone.HbonePool;
import java.net.InetSocketAddress;
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

  /** Connections of this loop that are open now, by endpoint; on {@code executor}. */
  public Map<InetSocketAddress, Integer> live() {
    return loads.live();
  }
}
