package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ByteQueue;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.tls.VerifiedPeer;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One CONNECT stream as a pair of byte streams. Everything happens on the event loop of the
 * connection, which is also the one to call from. What the peer sends is handed over at once; the
 * stream's window bounds how much, and opens again only as the receiver reports bytes {@link
 * #consumed}.
 */
public final class HboneStream extends ChannelInboundHandlerAdapter implements ByteChannel {
  /** What happens before bytes may flow. */
  interface Opener {
    void headers(HboneStream stream, Http2HeadersFrame frame);

    /** The stream ended instead. */
    void closed(ChannelEnd end);
  }

  /** A record of TLS or more (RFC 8446 §5.1): it gains nothing by waiting for others. */
  private static final int FULL_BYTES = 16_384;

  private final HboneConnection connection;
  private final Http2StreamChannel channel;
  private @Nullable Opener opener;
  private @Nullable Listener listener;
  private @Nullable ByteQueue early;
  private @Nullable Future<?> deadline;
  private @Nullable ChannelFuture endSent;
  private ChannelEnd endIfCut = ChannelEnd.CONNECTION_LOST;
  private int unread;
  private int taken; // since the window was last looked at
  private int unsent;
  private int gathered; // of it, what the connection has not been asked to send
  private boolean headersSeen;
  private boolean flushing; // together with others, behind this turn of the event loop
  private boolean stuck; // the connection has not taken what it was asked to send
  private boolean inBatch;
  private boolean wantsAll;
  private boolean waitsForAll;
  private boolean waitsForConnection;
  private boolean inputEnded;
  private boolean outputEnded;
  private boolean closed;

  HboneStream(HboneConnection connection, Http2StreamChannel channel, Opener opener) {
    this.connection = connection;
    this.channel = channel;
    this.opener = opener;
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
    deadline = channel.eventLoop().schedule(() -> cut(end), after.toNanos(), TimeUnit.NANOSECONDS);
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

  @Override
  public void write(ByteBuf bytes) {
    if (closed || outputEnded || !channel.isActive()) {
      bytes.release();
      return;
    }
    gathered += bytes.readableBytes();
    channel.write(new DefaultHttp2DataFrame(bytes, false), channel.voidPromise());
  }

  @Override
  public void flush() {
    if (closed) {
      return;
    }
    if (gathered > 0 && !flushing) {
      flushing = true;
      connection.flush.tell(this);
    }
    channel.flush();
    if (gathered >= FULL_BYTES) {
      connection.flush.now();
    }
  }

  /** What was written was handed to the connection, which may have kept it. */
  void flushed() {
    flushing = false;
    gathered = 0;
    stuck = unsentBytes() > 0;
    waitForAll(wantsAll);
    Listener local = listener;
    if (!stuck && !closed && local != null) {
      local.writable();
    }
  }

  @Override
  public boolean isWritable() {
    if (!channel.isWritable()) {
      return false; // Netty tells when it is again
    }
    if (channel.parent().isWritable()) {
      return true;
    }
    if (!waitsForConnection) {
      waitsForConnection = true;
      connection.tellWhenWritable(this);
    }
    return false;
  }

  @Override
  public int unsentBytes() {
    unsent = closed ? 0 : Http2Stack.unsentBytes(channel, unsent);
    return unsent;
  }

  /** What leaves behind this turn of the event loop waits for nobody. */
  @Override
  public void waitForAll(boolean all) {
    wantsAll = all;
    boolean waits = all && stuck;
    if (waits != waitsForAll && !closed) {
      waitsForAll = waits;
      Http2Stack.limitWrites(channel, connection.settings, waits);
    }
  }

  /** The connection takes bytes again. */
  void connectionWritable() {
    waitsForConnection = false;
    Listener local = listener;
    if (local != null && !closed && isWritable()) {
      local.writable();
    }
  }

  /** END_STREAM, behind what was written. */
  @Override
  public void endOutput() {
    if (closed || outputEnded || !channel.isActive()) {
      return;
    }
    outputEnded = true;
    endSent = channel.writeAndFlush(new DefaultHttp2DataFrame(true));
  }

  /** RST_STREAM with CANCEL. */
  @Override
  public void reset() {
    cut(ChannelEnd.RESET_BY_US);
  }

  /** After a complete answer: the rest of the request is not wanted, RFC 9113 §8.1. */
  void endUnwanted() {
    if (!closed && !inputEnded) {
      channel.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.NO_ERROR));
    }
    channel.close();
  }

  private void cut(ChannelEnd end) {
    if (!closed) {
      if (endIfCut == ChannelEnd.CONNECTION_LOST) {
        endIfCut = end;
      }
      channel.close();
    }
  }

  /** Gives the peer credit for them. */
  @Override
  public void consumed(int bytes) {
    unread -= bytes;
    taken = connection.windows.taken(channel.stream().id(), bytes, taken);
  }

  /** Bytes that came and were neither passed on nor dropped. */
  int unread() {
    return unread;
  }

  /** There is too little memory for what nobody takes. */
  void giveUpIfStalled() {
    if (unread > 0) {
      cut(ChannelEnd.NO_MEMORY);
    }
  }

  Http2StreamChannel channel() {
    return channel;
  }

  private void passOnAfterRead() {
    if (!inBatch) {
      inBatch = true;
      connection.passOnAfterRead(this);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    switch (message) {
      case Http2HeadersFrame frame -> headers(frame);
      case Http2DataFrame frame -> data(frame);
      default -> ReferenceCountUtil.release(message); // unknown frames are ignored, RFC 9113 §5.5
    }
  }

  /** The connection has nothing more for now. */
  void batchEnded() {
    inBatch = false;
    Listener local = listener;
    if (local != null && !closed) {
      local.batchEnded();
    }
  }

  private void headers(Http2HeadersFrame frame) {
    Opener waiting = opener;
    if (!headersSeen && waiting != null) {
      headersSeen = true;
      inputEnded = frame.isEndStream();
      waiting.headers(this, frame);
    } else if (frame.isEndStream()) {
      inputEnded(); // trailers say nothing about bytes
    } else {
      cut(ChannelEnd.RESET_BY_US);
    }
  }

  private void data(Http2DataFrame frame) {
    int overhead = frame.initialFlowControlledBytes() - frame.content().readableBytes();
    ByteBuf bytes = frame.content();
    unread += frame.initialFlowControlledBytes();
    connection.windows.came(frame.initialFlowControlledBytes());
    passOnAfterRead();
    if (overhead > 0) {
      consumed(overhead);
    }
    if (!bytes.isReadable()) {
      bytes.release();
    } else if (listener != null) {
      listener.bytes(bytes);
    } else {
      if (early == null) {
        early = new ByteQueue();
      }
      early.add(bytes, false);
    }
    if (frame.isEndStream()) {
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

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof Http2ResetFrame reset) {
      endIfCut =
          reset.errorCode() == Http2Error.REFUSED_STREAM.code()
              ? ChannelEnd.NOT_PROCESSED
              : ChannelEnd.RESET_BY_PEER;
    } else if (event instanceof Http2GoAwayFrame goAway) {
      goAway.release();
      endIfCut = ChannelEnd.NOT_PROCESSED;
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (isWritable() && listener != null) {
      listener.writable();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    connection.streamOpened(this);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    close();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    close(); // registration failed half-way
  }

  private void close() {
    if (closed) {
      return;
    }
    closed = true;
    cancelDeadline();
    connection.streamClosed(this);
    ChannelFuture end = endSent;
    if (inputEnded && end != null && endIfCut == ChannelEnd.CONNECTION_LOST) {
      // HTTP/2 is done with the stream once its end is queued, the socket possibly not yet.
      end.addListener(sent -> {
        endIfCut = sent.isSuccess() ? ChannelEnd.FINISHED : ChannelEnd.CONNECTION_LOST;
        tellClosed();
      });
    } else {
      tellClosed();
    }
  }

  private void tellClosed() {
    if (endIfCut == ChannelEnd.CONNECTION_LOST && connection.wasDenied()) {
      endIfCut = ChannelEnd.DENIED;
    }
    if (listener != null) {
      listener.closed(endIfCut);
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

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    // Writes that the end of the stream or connection left over fail too; the end says enough.
    if (cause instanceof IOException) {
      cut(endIfCut);
      return;
    }
    connection.streamFailed(cause);
    if (cause instanceof Http2Exception) {
      endIfCut = ChannelEnd.RESET_BY_US;
      context.fireExceptionCaught(cause); // Netty resets the stream with the error in it
    } else {
      cut(ChannelEnd.RESET_BY_US);
    }
  }
}
