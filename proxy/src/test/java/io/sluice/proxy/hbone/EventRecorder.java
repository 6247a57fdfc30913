package io.sluice.proxy.hbone;

import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Remembers what one side was told. */
final class EventRecorder implements HboneEvents {
  final AtomicInteger opened = new AtomicInteger();
  final Queue<ConnectionEnd> ends = new ConcurrentLinkedQueue<>();
  final Queue<TlsReason> refusals = new ConcurrentLinkedQueue<>();

  @Override
  public void opened(NamespacedName pod, Side side, InetSocketAddress remote, VerifiedPeer peer) {
    opened.incrementAndGet();
  }

  @Override
  public void handshakeFailed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      TlsReason reason,
      @Nullable Throwable causeOrNull) {
    refusals.add(reason);
  }

  @Override
  public void closed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      VerifiedPeer peer,
      ConnectionEnd reason) {
    ends.add(reason);
  }
}
