package io.sluice.proxy;

import io.netty.buffer.PooledByteBufAllocator;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.hbone.ServerRoom;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.limits.Share;
import io.sluice.proxy.limits.Source;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What all connections of one proxy share. Any thread. */
final class DataPath {
  private static final Logger LOG = System.getLogger(DataPath.class.getName());
  private static final long WARNING_PAUSE_NANOS = 1_000_000_000;

  private static final int PAGE_BYTES = 8_192;
  // 8 KiB << 6 = 512 KiB per chunk: eight of the largest usual reads, small beside the node's
  // memory.
  private static final int CHUNK_ORDER = 6;

  final ProxySettings settings;
  final PodSockets sockets;
  final ConnectionListener listener;
  final WorkloadIdentities identities;
  final HboneEvents hboneEvents;
  final PooledByteBufAllocator allocator;
  final LocalConnections localConnections = new LocalConnections();

  /** Pods with listeners of ours: what is sent to one of them does not leave the node. */
  final Set<NamespacedName> served = ConcurrentHashMap.newKeySet();

  final BufferBudget budget;
  final ServerRoom serverRoom;
  final AtomicLong ids = new AtomicLong();
  final LongAdder accepted = new LongAdder();
  final LongAdder opened = new LongAdder();
  final LongAdder refused = new LongAdder();
  final LongAdder loops = new LongAdder();
  final AtomicInteger live = new AtomicInteger();
  private final AtomicLong lastWarningNanos = new AtomicLong(System.nanoTime());
  volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  DataPath(
      ProxySettings settings,
      PodSockets sockets,
      WorkloadIdentities identities,
      ConnectionListener listener,
      HboneEvents hboneEvents) {
    this.settings = settings;
    this.sockets = sockets;
    this.identities = identities;
    this.listener = listener;
    this.hboneEvents = hboneEvents;
    this.serverRoom = new ServerRoom(settings.hbone().server(), settings.eventLoops());
    this.budget = new BufferBudget(settings.maxBufferedBytes(), null);
    this.allocator =
        new PooledByteBufAllocator(
            true, 0, settings.eventLoops(), PAGE_BYTES, CHUNK_ORDER, 32, 16, false);
  }

  /** Whom an unproven connection counts for. */
  Source source(InetAddress peer) {
    return Source.of(peer, snapshot.workloadAt(peer).isPresent());
  }

  /**
   * Counts a connection, which is among {@link #live} already, for its pod: as {@code live}, and in
   * the pod's room unless the answer says why there is none.
   */
  @Nullable Reason takeRoom(Pod pod, Direction direction, Source source) {
    int held = pod.live.getAndIncrement();
    int most = settings.maxConnections();
    return Share.allows(held, most - live.get() + 1, most)
        ? pod.room.take(direction, source)
        : Reason.NODE_CONNECTION_LIMIT;
  }

  /**
   * Logs a failure that may come with every connection: as a warning at most once per second, else
   * for debugging only.
   */
  void failed(String event, NamespacedName pod, @Nullable Throwable cause) {
    long now = System.nanoTime();
    long last = lastWarningNanos.get();
    boolean due =
        now - last >= 0 && lastWarningNanos.compareAndSet(last, now + WARNING_PAUSE_NANOS);
    LOG.log(due ? Level.WARNING : Level.DEBUG, event + " pod=" + pod, cause);
  }
}
