package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.util.ReferenceCountUtil;
import io.sluice.proxy.limits.BufferBudget;
import java.io.IOException;
import java.nio.channels.NotYetConnectedException;
import org.jspecify.annotations.Nullable;

/**
 * Joins a TCP socket and a stream: FIN is END_STREAM and RST is RST_STREAM, in both directions.
 * What one end does not take is not read from the other. Event loop of the stream, which has to be
 * the socket's too.
 */
public final class SocketTunnel extends ChannelInboundHandlerAdapter
    implements HboneStream.Listener, ChannelFutureListener {
  /** How the joined connection ended. */
  public enum End {
    /** Both ends sent their last byte. */
    FINISHED,
    /** The socket was reset, or broke. */
    RESET_BY_SOCKET,
    /** The stream was reset. */
    RESET_BY_STREAM,
    /** The connection under the stream broke. */
    CONNECTION_LOST,
    /** The peer came onto the deny list. */
    DENIED,
    /** It held bytes that nobody took, and there was no memory for more. */
    NO_MEMORY,
    /** No byte moved in time. */
    TIMEOUT,
    /** {@link #reset} was called, or the peer broke the protocol of the stream. */
    RESET_BY_US
  }

  /** Hears of the end. */
  public interface Listener {
    /** Both ends are closed; called once. */
    void ended(SocketTunnel tunnel, End end);
  }

  /** A read of fewer bytes is not worth a frame of its own while others wait. */
  private static final int SMALL_READ_BYTES = 4_096;

  private final EpollSocketChannel socket;
  private final BufferBudget budget;
  private final Listener listener;
  private final ByteQueue pending;
  private @Nullable HboneStream stream;
  private int writing;
  private int waiting; // for the stream
  private int readCapacity;
  private boolean wastesBuffers;
  private long bytesToStream;
  private long bytesToSocket;
  private boolean readRequested;
  private boolean socketInputEnded;
  private boolean socketOutputEnded;
  private boolean streamInputEnded;
  private boolean streamFinished;
  private boolean socketClosed;
  private boolean reportsOnce;
  private boolean ended;

  /**
   * Prepares the socket, which is not registered with an event loop yet, or was prepared for
   * reading on demand like this before it was.
   *
   * @param budget of the pod, which bytes that wait for the stream are counted for; those that wait
   *     for the socket are counted for the stream's connection
   * @throws ChannelException when the socket cannot be prepared; it is still the caller's
   */
  public SocketTunnel(EpollSocketChannel socket, BufferBudget budget, Listener listener) {
    this.socket = socket;
    this.budget = budget;
    this.listener = listener;
    this.pending = new ByteQueue(socket.alloc());
    socket.config().setAutoRead(false);
    socket.config().setAllowHalfClosure(true);
    socket.config().setTcpNoDelay(true);
    try {
      AdoptedSockets.watchErrors(socket);
    } catch (IOException e) {
      throw new ChannelException(e);
    }
    socket.pipeline().addLast(this);
  }

  /** Before the event loop first looks at the socket. */
  @Override
  public void channelRegistered(ChannelHandlerContext context) throws Exception {
    AdoptedSockets.ignoreEarlyEndOfInput(socket);
    super.channelRegistered(context);
  }

  /** Moves bytes from now on; the socket is connected and registered. */
  public void join(HboneStream joined) {
    if (ended) {
      joined.reset();
      return;
    }
    stream = joined;
    joined.start(this);
    read();
  }

  /** Payload bytes that came from the socket. */
  public long bytesToStream() {
    return bytesToStream;
  }

  /** Payload bytes that came from the stream. */
  public long bytesToSocket() {
    return bytesToSocket;
  }

  /** Whether one of the two directions has ended. */
  public boolean isHalfClosed() {
    return socketInputEnded || streamInputEnded;
  }

  /** Ends both at once. */
  public void reset() {
    end(End.RESET_BY_US);
  }

  private void read() {
    if (!readRequested && !socketInputEnded && !ended) {
      readRequested = true;
      reportOnceIfPausedForGood();
      socket.read();
    }
  }

  // --- from the socket -----------------------------------------------------------------------

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    HboneStream target = stream;
    if (ended || target == null || !readRequested) {
      // Netty reads without being asked only to find out about an error.
      ReferenceCountUtil.release(message);
      end(End.RESET_BY_SOCKET);
      return;
    }
    ByteBuf bytes = (ByteBuf) message;
    readRequested = false;
    int length = bytes.readableBytes();
    bytesToStream += length;
    readCapacity = bytes.capacity();
    wastesBuffers = length < SMALL_READ_BYTES || length < readCapacity / 2;
    target.write(bytes);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    HboneStream target = stream;
    if (ended || target == null || readRequested || socketInputEnded) {
      return;
    }
    target.flush();
    account();
    // One more frame for few bytes costs more memory than they do: what waits is to go first, and
    // the socket gathers the rest.
    target.waitForAll(waiting > 0 && (wastesBuffers || budget.isExceeded()));
    if (target.isWritable()) {
      read();
    } else {
      reportOnceIfPausedForGood();
    }
  }

  @Override
  public void writable() {
    account();
    read();
  }

  /** Tells what waits for the stream, where that has changed. */
  public void account() {
    HboneStream target = stream;
    int bytes = ended || target == null ? 0 : target.unsentBytes();
    int now = bytes == 0 ? 0 : Math.max(bytes, readCapacity);
    if (now != waiting) {
      budget.hold(now - waiting);
      waiting = now;
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    HboneStream target = stream;
    if (!(event instanceof ChannelInputShutdownReadComplete)
        || ended
        || socketClosed
        || target == null) {
      return;
    }
    if (socketInputEnded) {
      end(End.RESET_BY_SOCKET);
      return;
    }
    socketInputEnded = true;
    AdoptedSockets.reportErrorsAfterEndOfInput(socket);
    target.endOutput();
    closeIfFinished();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (!socketClosed) {
      end(End.RESET_BY_SOCKET);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!socketClosed) {
      end(End.RESET_BY_SOCKET);
    }
  }

  // --- from the stream -----------------------------------------------------------------------

  @Override
  public void bytes(ByteBuf bytes) {
    int length = bytes.readableBytes();
    HboneStream source = stream;
    if (ended || source == null) {
      bytes.release();
      if (source != null) {
        source.consumed(length);
      }
      return;
    }
    bytesToSocket += length;
    pending.add(bytes, writing > 0 && !budget.hasRoom());
  }

  /** Frames that came together go in one system call, and wake the application once. */
  @Override
  public void batchEnded() {
    if (writing == 0 && pending.size() > 0 && !ended) {
      writePending();
    }
  }

  /** One batch at a time: what comes meanwhile is gathered for the next. */
  private void writePending() {
    writing = pending.size();
    ChannelFuture last = null;
    for (ByteBuf piece = pending.poll(); piece != null; piece = pending.poll()) {
      last = socket.write(piece);
    }
    if (last != null) {
      socket.flush();
      last.addListener(this);
    }
  }

  /** The batch has gone, or never will. */
  @Override
  public void operationComplete(ChannelFuture future) {
    HboneStream source = stream;
    if (ended || source == null) {
      return;
    }
    if (!future.isSuccess()) {
      end(End.RESET_BY_SOCKET);
      return;
    }
    int written = writing;
    writing = 0;
    source.consumed(written);
    if (pending.size() > 0) {
      writePending();
    } else if (streamInputEnded) {
      endSocketOutput();
    }
  }

  @Override
  public void inputEnded() {
    streamInputEnded = true;
    if (writing > 0 || ended) {
      return;
    }
    if (pending.size() > 0) {
      writePending();
    } else {
      endSocketOutput();
    }
  }

  private void endSocketOutput() {
    if (socketOutputEnded || ended) {
      return;
    }
    socketOutputEnded = true;
    try {
      AdoptedSockets.endOutput(socket);
    } catch (IOException | NotYetConnectedException e) {
      end(End.RESET_BY_SOCKET);
      return;
    }
    reportOnceIfPausedForGood();
    closeIfFinished();
  }

  @Override
  public void closed(StreamEnd how) {
    switch (how) {
      case FINISHED -> {
        streamFinished = true;
        closeIfFinished();
      }
      case RESET_BY_PEER, NOT_PROCESSED -> end(End.RESET_BY_STREAM);
      case CONNECTION_LOST -> end(End.CONNECTION_LOST);
      case DENIED -> end(End.DENIED);
      case TIMEOUT -> end(End.TIMEOUT);
      case NO_MEMORY -> end(End.NO_MEMORY);
      case RESET_BY_US -> end(End.RESET_BY_US);
    }
  }

  // --- the end -------------------------------------------------------------------------------

  private void closeIfFinished() {
    if (ended || !socketInputEnded || !socketOutputEnded) {
      return;
    }
    if (!socketClosed) {
      // At once, whether the stream has sent its end or not: a socket with both directions ended
      // reports a hang-up for as long as it is open.
      socketClosed = true;
      socket.close();
    }
    if (streamFinished) {
      ended = true;
      listener.ended(this, End.FINISHED);
    }
  }

  private void end(End end) {
    if (ended) {
      return;
    }
    ended = true;
    int dropped = writing + pending.size();
    pending.clear();
    account();
    HboneStream other = stream;
    if (other != null) {
      other.consumed(dropped);
      other.reset();
    }
    if (socket.isOpen()) {
      try {
        socket.config().setSoLinger(0);
      } catch (ChannelException e) {
        // The socket has gone already, so there is nobody left to reset.
      }
      socket.close();
    }
    listener.ended(this, end);
  }

  private void reportOnceIfPausedForGood() {
    boolean once = socketOutputEnded && !socketInputEnded && !readRequested && !ended;
    if (once != reportsOnce) {
      reportsOnce = once;
      try {
        AdoptedSockets.reportOnce(socket, once);
      } catch (IOException e) {
        end(End.RESET_BY_SOCKET);
      }
    }
  }
}
