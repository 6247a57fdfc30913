package io.sluice.proxy.hbone;

import java.util.Locale;

/** Why an HBONE connection ended, after its handshake. */
public enum ConnectionEnd {
  IDLE, // no stream for too long
  AGED, // older than a connection may become
  DRAINED, // we are stopping, and every stream had ended or its time was over
  DENIED, // the peer came onto the deny list
  DEAD_PEER, // the peer gave no sign of life
  SETTINGS_TIMEOUT, // the peer did not settle the HTTP/2 settings in time
  FLOOD, // the peer sent more control frames or resets than it may
  PROTOCOL, // the peer broke HTTP/2
  PEER_GOAWAY, // the peer wanted to end it
  LOST, // the connection broke or the peer closed it
  INTERNAL; // our own side failed; see the log

  /** Value of the metric label {@code reason}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
