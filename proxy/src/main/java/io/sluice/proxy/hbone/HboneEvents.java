package io.sluice.proxy.hbone;

import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Hears of connections, for log and metrics. Called on event loops: must not block nor throw. Every
 * TCP connection leads to one {@link #handshakeFailed}, or to one {@link #opened} and one {@link
 * #closed}.
 */
public interface HboneEvents {
  /** Which end of the connection we are. */
  enum Side {
    SERVER,
    CLIENT
  }

  /** Hears nothing. */
  HboneEvents NONE = new HboneEvents() {};

  /** The peer is proven. */
  default void opened(Side side, InetSocketAddress remote, VerifiedPeer peer) {}

  /**
   * There was no handshake.
   *
   * @param causeOrNull what the TLS stack said
   */
  default void handshakeFailed(
      Side side, InetSocketAddress remote, TlsReason reason, @Nullable Throwable causeOrNull) {}

  /** An opened connection has ended, and its streams with it. */
  default void closed(
      Side side, InetSocketAddress remote, VerifiedPeer peer, ConnectionEnd reason) {}
}
