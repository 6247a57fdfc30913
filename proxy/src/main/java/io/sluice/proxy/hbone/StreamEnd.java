package io.sluice.proxy.hbone;

/** How one stream ended. */
public enum StreamEnd {
  /** Both sides sent their last byte. */
  FINISHED,
  /** RST_STREAM by the peer. */
  RESET_BY_PEER,
  /** RST_STREAM by us. */
  RESET_BY_US,
  /** The peer never looked at it: safe to try again elsewhere. */
  NOT_PROCESSED,
  /** It held bytes that nobody took, and there was no memory for more. */
  NO_MEMORY,
  /** No byte moved in time. */
  TIMEOUT,
  /** The connection under it broke. */
  CONNECTION_LOST,
  /** The connection under it was cut, because the peer came onto the deny list. */
  DENIED
}
