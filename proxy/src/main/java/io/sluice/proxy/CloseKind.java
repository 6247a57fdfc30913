package io.sluice.proxy;

import java.util.Locale;

/** How a connection ended. */
public enum CloseKind {
  /** Both ends finished sending. */
  FIN,
  /** The client reset it, or its host vanished. */
  RESET_BY_CLIENT,
  /** The upstream reset it, or its host vanished. */
  RESET_BY_UPSTREAM,
  /** Nothing was sent for too long. */
  IDLE,
  /** The node daemon is stopping, or the pod was released. */
  DRAIN,
  /** No upstream could be reached. */
  CONNECT_FAILURE,
  /** Refused before an upstream was tried: policy, limits, missing facts. */
  REFUSED,
  /** The other end's identity or certificate came onto the deny list. */
  DENIED,
  /** Policy allowed it and refuses it now. */
  REVOKED,
  /** What it sent was not taken, and there was no memory for more. */
  STALLED,
  /** The proxy failed. */
  ERROR;

  /** Value of a metric label. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
