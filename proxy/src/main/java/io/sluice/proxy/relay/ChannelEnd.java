package io.sluice.proxy.relay;

/** How one byte channel ended. */
public enum ChannelEnd {
  /** Both sides sent their last byte. */
  FINISHED,
  /** RST or RST_STREAM by the peer, or its host vanished. */
  RESET_BY_PEER,
  /** RST_STREAM by us, or the peer broke the protocol of the stream. */
  RESET_BY_US,
  /** The peer never looked at the stream: safe to try again elsewhere. */
  NOT_PROCESSED,
  /** It held bytes that nobody took, and there was no memory for more. */
  NO_MEMORY,
  /** No byte moved in time. */
  TIMEOUT,
  /** The connection under the stream broke. */
  CONNECTION_LOST,
  /** The connection under the stream was cut, because the peer came onto the deny list. */
  DENIED,
  /** An error of ours. */
  FAILED
}
