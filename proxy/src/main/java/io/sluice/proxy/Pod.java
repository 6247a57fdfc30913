package io.sluice.proxy;

import io.sluice.mesh.LoopbackEndpoints;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.hbone.HboneServer;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.SocketSetup;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Limits and counters of one served pod, shared by the event loops. */
final class Pod {
  final NamespacedName name;
  final AtomicInteger live = new AtomicInteger();
  final PodRoom room;
  final AtomicInteger listeners = new AtomicInteger();
  final BufferBudget budget;
  final SocketSetup sockets;
  final HboneServer hbone;

  /** Set when everything of the pod is to be reset; never unset. */
  volatile boolean gone;

  private volatile Timeout timeout = new Timeout(MeshSnapshot.EMPTY, 0);

  private volatile Loopback loopback = new Loopback(MeshSnapshot.EMPTY, Set.of());

  private record Timeout(MeshSnapshot snapshot, long idleNanos) {}

  private record Loopback(MeshSnapshot snapshot, Set<InetSocketAddress> endpoints) {}

  Pod(NamespacedName name, DataPath path) {
    ProxySettings settings = path.settings;
    this.name = name;
    this.room = new PodRoom(settings.maxConnectionsPerPod());
    this.budget = new BufferBudget(settings.maxBufferedBytesPerPod(), path.budget);
    this.sockets =
        new SocketSetup(
            path.allocator,
            new ReadSizes(settings.maxReadBytes(), budget),
            cause -> path.failed("connection-failed", name, cause));
    this.hbone = new HboneServer(name, settings.hbone(), path.hboneEvents, path.serverRoom, budget);
  }

  /** Without a byte for so long a connection of the pod is reset; 0 means never. */
  long idleNanos(MeshSnapshot snapshot) {
    Timeout known = timeout;
    if (known.snapshot != snapshot) {
      known =
          new Timeout(
              snapshot,
              snapshot
                  .workload(name)
                  .map(workload -> workload.connections().idleTimeout().toNanos())
                  .orElse(0L));
      timeout = known;
    }
    return known.idleNanos;
  }

  /** Whether loopback may stand in where nobody listens at the address {@code called}. */
  boolean hasLoopbackFor(InetSocketAddress called, MeshSnapshot snapshot) {
    Loopback known = loopback;
    if (known.snapshot != snapshot) {
      known =
          new Loopback(
              snapshot,
              snapshot
                  .workload(name)
                  .map(workload -> LoopbackEndpoints.of(snapshot, workload))
                  .orElse(Set.of()));
      loopback = known;
    }
    return known.endpoints.contains(called);
  }
}
