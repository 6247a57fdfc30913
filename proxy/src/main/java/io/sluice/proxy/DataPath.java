package io.sluice.proxy;

import io.netty.buffer.PooledByteBufAllocator;
import io.sluice.mesh.MeshSnapshot;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What all connections of one proxy share. Any thread. */
final class DataPath {
  private static final int PAGE_BYTES = 8_192;
  // 8 KiB << 6 = 512 KiB per chunk: eight of the largest usual reads, small beside the node's
  // memory.
  private static final int CHUNK_ORDER = 6;

  final ProxySettings settings;
  final PodSockets sockets;
  final ConnectionListener listener;
  final PooledByteBufAllocator allocator;
  final LocalConnections localConnections = new LocalConnections();
  final BufferBudget budget;
  final AtomicLong ids = new AtomicLong();
  final LongAdder accepted = new LongAdder();
  final LongAdder opened = new LongAdder();
  final LongAdder refused = new LongAdder();
  final LongAdder loops = new LongAdder();
  final AtomicInteger live = new AtomicInteger();
  volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  DataPath(ProxySettings settings, PodSockets sockets, ConnectionListener listener) {
    this.settings = settings;
    this.sockets = sockets;
    this.listener = listener;
    this.budget = new BufferBudget(settings.maxBufferedBytes(), null);
    this.allocator =
        new PooledByteBufAllocator(
            true, 0, settings.eventLoops(), PAGE_BYTES, CHUNK_ORDER, 32, 16, false);
  }
}
