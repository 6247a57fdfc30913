package io.sluice.proxy.hbone;

import io.netty.channel.EventLoop;
import io.sluice.proxy.limits.Places;
import io.sluice.proxy.limits.Share;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * What the servers of all pods of a node have room for together: {@link #PODS} times what one pod's
 * may hold, so that no pod can be shut by what is done to a few others. Any thread.
 */
public final class ServerRoom {
  /** Pods that can be full at the same time. */
  public static final int PODS = 4;

  /** What the server of one pod has room for. */
  final class OfPod {
    final Share connections = new Share(limits.maxConnections());
    private final ConcurrentMap<EventLoop, Handshakes> handshakes = new ConcurrentHashMap<>();

    /** Of one loop, which has its part of the pod's places. */
    Handshakes handshakes(EventLoop loop) {
      return handshakes.computeIfAbsent(loop, first -> new Handshakes());
    }
  }

  /** Places on one event loop, by how far a handshake is; nothing of one fills the other. */
  final class Handshakes {
    /** Until the ClientHello: cheap, no TLS yet. */
    final Places<HboneServer.Serving> silent = new Places<>(limits.maxSilent() / loops, silentRoom);

    /** From the ClientHello to the proof. */
    final Places<HboneServer.Serving> begun =
        new Places<>(limits.maxHandshakes() / loops, begunRoom);
  }

  final Share connections;
  private final HboneSettings.Server limits;
  private final int loops;
  private final Places.OfNode silentRoom;
  private final Places.OfNode begunRoom;

  /**
   * An empty one.
   *
   * @param loops event loops among which connections are dealt out
   */
  public ServerRoom(HboneSettings.Server limits, int loops) {
    this.limits = limits;
    this.loops = loops;
    this.connections = new Share(PODS * limits.maxConnections());
    this.silentRoom = new Places.OfNode(PODS * limits.maxSilent());
    this.begunRoom = new Places.OfNode(PODS * limits.maxHandshakes());
  }

  /** HBONE connections that pods of this node serve now. */
  public int connections() {
    return connections.taken();
  }

  /** Handshakes under way, those of silent peers included. */
  public int handshakes() {
    return silentRoom.taken() + begunRoom.taken();
  }
}
