package io.sluice.proxy.relay;

import io.netty.buffer.ByteBuf;

/**
 * Two directions of bytes to and from one peer, however it is reached. Everything happens on one
 * event loop, which is also the one to call from.
 */
public interface ByteChannel {
  /** The local end. */
  interface Listener {
    /** Bytes of the peer, which the listener now owns. */
    void bytes(ByteBuf bytes);

    /** No more bytes for now: the moment to pass on what came. */
    default void batchEnded() {}

    /** The peer has sent its last byte. */
    void inputEnded();

    /** {@link ByteChannel#isWritable} is true again. */
    default void writable() {}

    /** Nothing moves any more; called once, last. */
    void closed(ChannelEnd end);
  }

  /** Tells {@code listener} from now on, but of nothing before {@link #start}. */
  void listen(Listener listener);

  /** Bytes may flow from now on; those that came early are delivered at once. */
  void start();

  /** Asks for bytes, where the channel delivers them only when asked. */
  void read();

  /** Whether bytes come unasked, and how many is bounded by those not {@link #consumed} yet. */
  boolean hasWindow();

  /** Of what came, so much was passed on or dropped; also once it is closed. */
  void consumed(int bytes);

  /** Queues bytes, and takes their ownership; {@link #flush} sends them. */
  void write(ByteBuf bytes);

  /** Sends what was written. */
  void flush();

  /** Whether the source should be read; {@link Listener#writable} tells when it should again. */
  boolean isWritable();

  /** Whether {@link #isWritable} means that nothing waits, instead of little. */
  void waitForAll(boolean all);

  /** Bytes that were written and not sent yet, or a little more; 0 when all has gone. */
  int unsentBytes();

  /** Sends the end of output, once {@link #isWritable}. */
  void endOutput();

  /**
   * Whether it has carried so much that memory is set aside for it, at either end, until its end.
   */
  default boolean hasGrown() {
    return false;
  }

  /** Is not short-lived: what only long lives need can be set now. */
  default void lasts() {}

  /** Ends both directions at once, unless both have ended; the peer sees a reset. */
  void reset();
}
