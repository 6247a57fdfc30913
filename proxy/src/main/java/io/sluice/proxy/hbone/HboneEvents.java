package io.sluice.proxy.hbone;

import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Hears of connections, for log and metrics. Called on event loops: must not block nor throw. Every
 * TCP connection that comes about leads to one {@link #handshakeFailed}, or to one {@link #opened}
 * and one {@link #closed}.
 */
public interface HboneEvents {
  /** Which end of the connection we are. */
  enum Side {
    SERVER,
    CLIENT;

    /** Value of the metric label {@code side}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Hears nothing. */
  HboneEvents NONE = new HboneEvents() {};

  /**
   * The peer is proven.
   *
   * @param pod whose end of the connection we are
   */
  default void opened(NamespacedName pod, Side side, InetSocketAddress remote, VerifiedPeer peer) {}

  /**
   * There was no handshake.
   *
   * @param pod whose end of the connection we are
   * @param causeOrNull what the TLS stack said
   */
  default void handshakeFailed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      TlsReason reason,
      @Nullable Throwable causeOrNull) {}

  /**
   * An opened connection has ended, and its streams with it.
   *
   * @param pod whose end of the connection we are
   */
  default void closed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      VerifiedPeer peer,
      ConnectionEnd reason) {}
}
