package io.sluice.proxy.accept;

import io.netty.buffer.PooledByteBufAllocator;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Authorized;
import io.sluice.proxy.ConnectionListener;
import io.sluice.proxy.Limited;
import io.sluice.proxy.PodSockets;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.WorkloadIdentities;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.hbone.ServerRoom;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.limits.Share;
import io.sluice.proxy.limits.Source;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.upstream.Means;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What all connections of one proxy share. Any thread. */
final class DataPath extends Means {
  private static final int PAGE_BYTES = 8_192;
  // 8 KiB << 6 = 512 KiB per chunk: eight of the largest usual reads, small beside the node's
  // memory.
  private static final int CHUNK_ORDER = 6;
  private static final int SMALL_CACHED = 32;
  // Of each size up to what TLS makes of the largest read, which the launchers name to Netty: less
  // than 2 MiB for each loop.
  private static final int NORMAL_CACHED = 4;

  final ConnectionListener listener;
  final HboneEvents hboneEvents;
  final PooledByteBufAllocator allocator;
  final BufferBudget budget;
  final Account used = new Account(null);
  final ServerRoom serverRoom;
  final AtomicLong ids = new AtomicLong();
  final LongAdder accepted = new LongAdder();
  final LongAdder opened = new LongAdder();
  final LongAdder refused = new LongAdder();
  final LongAdder loops = new LongAdder();
  final AtomicInteger live = new AtomicInteger();

  /** Requests that somebody was to be asked about, by what became of them. */
  final Tally<Authorized> authorized = new Tally<>(Authorized.class);

  /** Questions to rate-limit services, by what became of them. */
  final Tally<Limited> limited = new Tally<>(Limited.class);

  volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  /** Whether another process accepts, so that clients are to ask there. */
  volatile boolean leaving;

  DataPath(
      ProxySettings settings,
      PodSockets sockets,
      WorkloadIdentities identities,
      ConnectionListener listener,
      HboneEvents hboneEvents) {
    super(settings, sockets, identities);
    this.listener = listener;
    this.hboneEvents = hboneEvents;
    this.serverRoom = new ServerRoom(settings.hbone().server(), settings.eventLoops());
    this.budget = new BufferBudget(settings.maxBufferedBytes(), null);
    this.allocator =
        new PooledByteBufAllocator(
            true,
            0,
            settings.eventLoops(),
            PAGE_BYTES,
            CHUNK_ORDER,
            SMALL_CACHED,
            NORMAL_CACHED,
            false);
  }

  /** How those of the daemon itself are set up. */
  SocketSetup sockets() {
    return new SocketSetup(
        allocator,
        new ReadSizes(settings.maxReadBytes(), budget),
        settings.keepAlive(),
        cause -> failed("connection-failed", cause));
  }

  /** How often which of some outcomes came. */
  static final class Tally<E extends Enum<E>> {
    private final Class<E> outcomes;
    private final LongAdder[] counts; // by ordinal

    private Tally(Class<E> outcomes) {
      this.outcomes = outcomes;
      this.counts = new LongAdder[outcomes.getEnumConstants().length];
      Arrays.setAll(counts, _ -> new LongAdder());
    }

    void add(E outcome) {
      counts[outcome.ordinal()].increment();
    }

    Map<E, Long> sums() {
      Map<E, Long> sums = new EnumMap<>(outcomes);
      for (E outcome : outcomes.getEnumConstants()) {
        sums.put(outcome, counts[outcome.ordinal()].sum());
      }
      return sums;
    }
  }

  /** Whom an unproven connection counts for. */
  Source source(InetAddress peer) {
    return Source.of(peer, snapshot.workloadAt(peer).isPresent());
  }

  /**
   * Whom a call within the node counts for, by the family called: the pod's own address, whatever
   * its socket was bound to.
   */
  Source source(NamespacedName caller, InetAddress called) {
    return snapshot
        .workload(caller)
        .flatMap(workload -> workload.addressLike(called))
        .map(address -> new Source(address, true))
        .orElseGet(() -> new Source(caller, true));
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
}
