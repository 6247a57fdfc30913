package io.sluice.proxy.accept;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.hbone.HboneServer;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.upstream.LocalPod;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Limits and counters of one served pod, shared by the event loops. */
final class Pod extends LocalPod {
  final AtomicInteger live = new AtomicInteger();
  final PodRoom room;
  final AtomicInteger listeners = new AtomicInteger();
  final HboneServer hbone;

  /** What its application is asked, or was a moment ago, by port. */
  final ConcurrentMap<InetSocketAddress, CompletableFuture<Optional<Reason>>> checkups =
      new ConcurrentHashMap<>();

  final OutsideHandshakes handshakes = new OutsideHandshakes(System.nanoTime());

  /** Live outbound connections, and sockets that may become one, by loop. */
  final AtomicIntegerArray outbound;

  /** Set when everything of the pod is to be reset; never unset. */
  volatile boolean gone;

  private volatile Timeout timeout = new Timeout(MeshSnapshot.NO_REVISION, 0);

  private record Timeout(long revision, long idleNanos) {}

  Pod(NamespacedName name, DataPath path) {
    this(name, path, new BufferBudget(path.settings.maxBufferedBytesPerPod(), path.budget));
  }

  private Pod(NamespacedName name, DataPath path, BufferBudget budget) {
    super(
        name,
        budget,
        new SocketSetup(
            path.allocator,
            new ReadSizes(path.settings.maxReadBytes(), budget),
            path.settings.keepAlive(),
            cause -> path.failed("connection-failed", name, cause)),
        new Account(path.used));
    this.outbound = new AtomicIntegerArray(path.settings.eventLoops());
    this.room = new PodRoom(path.settings.maxConnectionsPerPod());
    this.hbone =
        new HboneServer(name, path.settings.hbone(), path.hboneEvents, path.serverRoom, budget);
  }

  /** Without a byte for so long a connection of the pod is reset; 0 means never. */
  long idleNanos(MeshSnapshot snapshot) {
    Timeout known = timeout;
    if (known.revision != snapshot.revision()) {
      known =
          new Timeout(
              snapshot.revision(),
              snapshot
                  .workload(name)
                  .map(workload -> workload.connections().idleTimeout().toNanos())
                  .orElse(0L));
      timeout = known;
    }
    return known.idleNanos;
  }
}
