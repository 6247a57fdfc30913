package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;

/**
 * One exchange on one side of it: with the downstream it brings the request and takes the response,
 * with the upstream the other way round. Everything happens on the event loop of its connection.
 *
 * <p>In either direction: any number of heads of interim responses (RFC 9110 §15.2), one head, any
 * number of data, and at most one list of trailers; the part that says so, or the trailers, is the
 * last one. After an abort nothing follows.
 */
interface HttpStream {
  /** Why an exchange ends before both messages are whole. */
  enum Abort {
    /** The peer reset the stream, or its connection is gone. */
    RESET,
    /** The peer has certainly not begun to work on it (RFC 9113 §8.7): it may be sent again. */
    NOT_PROCESSED,
    /** The peer does not take the like (RFC 8441 §3), and was not asked. */
    NOT_OFFERED,
    /** The peer broke the protocol; what it sent is not to be passed on. */
    PROTOCOL_ERROR,
    /** It is not wanted any more by who asked for it. */
    CANCELLED,
    /** An error of ours, or a limit of ours that has no status of its own any more. */
    FAILED
  }

  /** What the peer sends. */
  interface Listener {
    /** The head of the message, or of an interim response. */
    void head(Head head, boolean last);

    /** A piece of the content, which the listener owns; see {@link HttpStream#consumed}. */
    void data(ByteBuf bytes, boolean last);

    /** Ends the message. */
    void trailers(Fields trailers);

    /** Nothing more for now: the moment to flush what was passed on. */
    default void batchEnded() {}

    /** {@link HttpStream#isWritable} is true again. */
    default void writable() {}

    /** Nothing moves any more, in either direction; called once, and not by {@link #abort}. */
    void aborted(Abort how);
  }

  /** Tells {@code listener} from now on; to be called before control returns to the codec. */
  void listen(Listener listener);

  /** Sends the head of a message, or of an interim response. */
  void head(Head head, boolean last);

  /** Sends a piece of the content, and takes its ownership; empty ones are allowed. */
  void data(ByteBuf bytes, boolean last);

  /** Sends trailers, which end the message. */
  void trailers(Fields trailers);

  /** Sends what was given. */
  void flush();

  /** Whether more content should be given; {@link Listener#writable} tells when it should again. */
  boolean isWritable();

  /** So many bytes of content were passed on or dropped: the peer may send as many again. */
  void consumed(int bytes);

  /**
   * Whether content that comes of it is counted, for the budget of what waits, until it is {@link
   * #consumed}: whoever it is given to is to count it no second time.
   */
  default boolean countsContent() {
    return false;
  }

  /** So many bytes of what was given to it, and waits here, are counted where they came from. */
  default void countedElsewhere(int bytes) {}

  /** Ends both directions where they have not ended; the listener hears nothing more. */
  void abort(Abort how);
}
