package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ByteQueue;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One CONNECT stream as a pair of byte streams. Everything happens on the event loop of the
 * connection, which is also the one to call from. What the peer sends is handed over at once; the
 * stream's window bounds how much, and opens again only as the receiver reports bytes {@link
 * #consumed}.
 */
public final class HboneStream implements ByteChannel {
  /** What happens before bytes may flow. */
  interface Opener {
    void headers(HboneStream stream, Http2Headers headers);

    /** The stream ended instead. */
    void closed(ChannelEnd end);
  }

  /** A record of TLS or more (RFC 8446 §5.1): it gains nothing by waiting for others. */
  private static final int FULL_BYTES = 16_384;

  private final HboneConnection connection;
  private final int id;
  private final Outgoing outgoing;
  private @Nullable Opener opener;
  private @Nullable Listener listener;
  private @Nullable ByteQueue early;
  private @Nullable Future<?> deadline;
  private ChannelEnd endIfCut = ChannelEnd.CONNECTION_LOST;
  private int unread;
  private int gathered; // of what waits, what the connection has not been asked to send
  private boolean headersSeen;
  private boolean flushing; // the connection tells what became of what was written
  private boolean stuck; // the connection has not taken what it was asked to send
  private boolean full; // too much waits; until half of that has gone
  private boolean inBatch;
  private boolean wantsAll;
  private boolean waitsForConnection;
  private boolean inputEnded;
  private boolean outputEnded;
  private boolean endLeaves; // it was handed to the socket
  private boolean endLeft;
  private boolean waitsForEnd; // to have left, with what it has to tell
  private boolean failed; // by an error of ours
  private boolean ended; // nothing can be sent any more
  private boolean closed; // and everything that came has been passed on

  HboneStream(HboneConnection connection, int id, Opener opener, int window) {
    this.connection = connection;
    this.id = id;
    this.outgoing = new Outgoing(this, window);
    this.opener = opener;
  }

  int id() {
    return id;
  }

  Outgoing outgoing() {
    return outgoing;
  }

  EventLoop eventLoop() {
    return connection.channel().eventLoop();
  }

  InetSocketAddress remoteAddress() {
    return connection.channel().remoteAddress();
  }

  /** Who is at the other end. */
  public VerifiedPeer peer() {
    return connection.peer;
  }

  /** Whether its connection takes further streams: else its successor has newer certificates. */
  public boolean mayHaveOthers() {
    return !closed && !connection.isLeaving();
  }

  @Override
  public void listen(Listener local) {
    opener = null;
    listener = local;
  }

  @Override
  public void start() {
    Listener local = Objects.requireNonNull(listener);
    cancelDeadline(); // an open stream may be silent for as long as its ends want
    ByteQueue waiting = early;
    early = null;
    if (waiting != null) {
      for (ByteBuf bytes = waiting.poll(); bytes != null; bytes = waiting.poll()) {
        local.bytes(bytes);
      }
      local.batchEnded();
    }
    if (closed) {
      local.closed(endIfCut);
    } else if (inputEnded) {
      local.inputEnded();
    }
  }

  /** Cuts the stream if nothing has happened by then. */
  void deadline(Duration after, ChannelEnd end) {
    cancelDeadline();
    deadline = eventLoop().schedule(() -> cut(end), after.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void cancelDeadline() {
    Timers.cancel(deadline);
    deadline = null;
  }

  /** They come by themselves. */
  @Override
  public void read() {}

  @Override
  public boolean hasWindow() {
    return true;
  }

  /** The head of a message; nothing comes behind it where it is the {@code last}. */
  void writeHead(Http2Headers head, boolean last) {
    if (!ended && !outputEnded) {
      outputEnded = last;
      connection.writeHead(id, head, last);
    }
  }

  @Override
  public void write(ByteBuf bytes) {
    if (ended || outputEnded || !bytes.isReadable()) {
      bytes.release();
      return;
    }
    gathered += bytes.readableBytes();
    outgoing.add(bytes);
    // A relay that waits for what went before has read this already, and asks when that has gone.
    connection.sends.giveTurn(outgoing);
  }

  @Override
  public void flush() {
    if (ended) {
      return;
    }
    if (outgoing.isWaiting()) {
      connection.sends.giveTurn(outgoing);
      tellLater();
    }
    if (gathered >= FULL_BYTES) {
      connection.flush.now();
    }
  }

  private void tellLater() {
    if (!flushing) {
      flushing = true;
      connection.flush.tell(this);
    }
  }

  /** What was written was handed to the connection, which may have kept it. */
  void flushed() {
    flushing = false;
    gathered = 0;
    stuck = unsentBytes() > 0;
    if (!closed && listener != null && (!stuck || isWritable())) {
      tell(Listener::writable);
    }
  }

  /** A frame was handed to the socket, which is the last one. */
  void outputSent() {
    endLeaves = true;
    connection.outputSent(id);
  }

  /** A frame has left, or never will. */
  void left(boolean last, boolean sent) {
    if (last) {
      endLeaves = false;
      endLeft = sent;
    }
    if (!closed) {
      tellLater();
    } else if (last && waitsForEnd) {
      tellClosed();
      connection.endLeft();
    }
  }

  @Override
  public boolean isWritable() {
    int most = wantsAll && stuck ? 0 : connection.settings.flow().writeBuffer();
    int waiting = unsentBytes();
    full = full && most > 0 ? waiting > most / 2 : waiting > most;
    if (full) {
      return false; // it is told when it is again
    }
    if (connection.channel().isWritable()) {
      return true;
    }
    if (!waitsForConnection && !closed) {
      waitsForConnection = true;
      connection.tellWhenWritable(this);
    }
    return false;
  }

  @Override
  public int unsentBytes() {
    return closed ? 0 : outgoing.unsent();
  }

  boolean waitsForConnection() {
    return waitsForConnection;
  }

  boolean waitsForEnd() {
    return waitsForEnd;
  }

  /** What leaves behind this turn of the event loop waits for nobody. */
  @Override
  public void waitForAll(boolean all) {
    wantsAll = all;
  }

  /** The connection takes bytes again. */
  void connectionWritable() {
    waitsForConnection = false;
    if (listener != null && !closed && isWritable()) {
      tell(Listener::writable);
    }
  }

  /** END_STREAM, behind what was written. */
  @Override
  public void endOutput() {
    if (!ended && !outputEnded) {
      outputEnded = true;
      outgoing.addEnd();
      flush();
    }
  }

  /** RST_STREAM with CANCEL. */
  @Override
  public void reset() {
    cut(ChannelEnd.RESET_BY_US);
  }

  /** After a complete answer: the rest of the request is not wanted, RFC 9113 §8.1. */
  void endUnwanted() {
    if (!ended && !inputEnded) {
      reset(Http2Error.NO_ERROR);
    }
  }

  private void cut(ChannelEnd end) {
    if (!closed) {
      endsAs(end);
      if (!ended) {
        reset(Http2Error.CANCEL);
      }
    }
  }

  private void reset(Http2Error error) {
    if (outgoing.isWaiting()) {
      connection.flush.hand(); // an answer before it arrives before it
    }
    connection.reset(id, error);
    ended(endIfCut);
  }

  /** How it ended, unless that is known already. */
  void endsAs(ChannelEnd end) {
    if (endIfCut == ChannelEnd.CONNECTION_LOST) {
      endIfCut = end;
    }
  }

  /** An error of ours, which is no reason to end the connection. */
  void failed(RuntimeException cause) {
    failed = true;
    connection.streamFailed(cause);
    cut(ChannelEnd.RESET_BY_US);
  }

  /** Gives the peer credit for them. */
  @Override
  public void consumed(int bytes) {
    int known = failed ? Math.min(bytes, unread) : bytes; // the rest was given back at its end
    unread -= known;
    connection.windows.taken(id, known);
  }

  /** Bytes that came and were neither passed on nor dropped. */
  int unread() {
    return unread;
  }

  /** There is too little memory for what nobody takes. */
  void giveUpIfStalled() {
    if (unread > 0 && !ended) {
      cut(ChannelEnd.NO_MEMORY);
    }
  }

  @Override
  public boolean hasGrown() {
    // Credit comes once half is used: a doubled window is above the first, but while bytes are on
    // their way.
    return outgoing.window() > connection.sends.initialWindowSize()
        || connection.windows.hasGrown(id);
  }

  private void passOnAfterRead() {
    if (!inBatch) {
      inBatch = true;
      connection.passOnAfterRead(this);
    }
  }

  /** The connection has nothing more for now. */
  void batchEnded() {
    inBatch = false;
    if (!closed) {
      tell(Listener::batchEnded);
    }
  }

  /** The connection tells others behind it, who are not to suffer from a listener's error. */
  private void tell(Consumer<Listener> what) {
    Listener local = listener;
    if (local != null) {
      try {
        what.accept(local);
      } catch (RuntimeException e) {
        failed(e);
      }
    }
  }

  void headers(Http2Headers headers, boolean last) {
    Opener waiting = opener;
    if (!headersSeen && waiting != null) {
      headersSeen = true;
      inputEnded = last;
      waiting.headers(this, headers);
    } else if (last) {
      inputEnded(); // trailers say nothing about bytes
    } else {
      cut(ChannelEnd.RESET_BY_US);
    }
  }

  /**
   * Takes ownership.
   *
   * @param padding bytes that count for the windows only
   */
  void data(ByteBuf bytes, int padding, boolean last) {
    int length = bytes.readableBytes();
    unread += length + padding;
    connection.windows.came(length + padding);
    passOnAfterRead();
    if (padding > 0) {
      consumed(padding);
    }
    Listener local = listener;
    if (length == 0) {
      bytes.release();
    } else if (local != null) {
      local.bytes(bytes);
    } else {
      if (early == null) {
        early = new ByteQueue();
      }
      early.add(bytes, false);
    }
    if (last) {
      inputEnded();
    }
  }

  private void inputEnded() {
    if (!inputEnded) {
      inputEnded = true;
      if (listener != null) {
        listener.inputEnded();
      }
    }
  }

  void resetByPeer(long error) {
    endIfCut =
        error == Http2Error.REFUSED_STREAM.code()
            ? ChannelEnd.NOT_PROCESSED
            : ChannelEnd.RESET_BY_PEER;
  }

  /** Nothing comes or goes any more; what was read with it is passed on before anybody is told. */
  void ended(ChannelEnd how) {
    endsAs(how);
    if (!ended) {
      ended = true;
      connection.sends.drop(outgoing);
      eventLoop().execute(this::close);
    }
  }

  private void close() {
    closed = true;
    cancelDeadline();
    // HTTP/2 is done with the stream once its end is handed to the socket, which may lose it yet.
    waitsForEnd = endLeaves && inputEnded && endIfCut == ChannelEnd.CONNECTION_LOST;
    connection.streamClosed(this);
    if (!waitsForEnd) {
      tellClosed();
    }
  }

  private void tellClosed() {
    if (endIfCut == ChannelEnd.CONNECTION_LOST && inputEnded && endLeft) {
      endIfCut = ChannelEnd.FINISHED;
    }
    if (endIfCut == ChannelEnd.CONNECTION_LOST && connection.wasDenied()) {
      endIfCut = ChannelEnd.DENIED;
    }
    if (listener != null) {
      tell(local -> local.closed(endIfCut));
      if (failed) {
        consumed(unread); // what it had in hand is lost
      }
      return;
    }
    if (early != null) {
      early.clear();
      early = null;
    }
    consumed(unread);
    if (opener != null) {
      opener.closed(endIfCut);
    }
  }
}
