package io.sluice.proxy.relay;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollSocketChannelConfig;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.util.ReferenceCountUtil;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.Turns;
import java.io.IOException;
import java.nio.channels.NotYetConnectedException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One TCP socket. It reads once each time it is asked to, so it hands out one buffer at most. */
public final class TcpChannel extends ChannelInboundHandlerAdapter
    implements ByteChannel, Incoming, ChannelFutureListener, Turns.Timed {
  private static final int MOST_LATE_READS = 64;

  private final EpollSocketChannel socket;
  private final SocketSetup setup;
  private final boolean accepted;
  private final @Nullable Account account;
  private final ReadSizes.Sized sizes;
  private @Nullable Runnable active;
  private @Nullable Listener listener;
  private @Nullable Consumer<ChannelEnd> goneListener;

  private boolean readRequested;
  private int unsent; // of what was written, until all of it has gone
  private boolean draining;
  private boolean inputEnded;
  private boolean inputShut; // by Netty, which tells it once; once more is an error
  private boolean answersEnd; // something was written behind the end of input
  private boolean outputEnded;
  private boolean reportsOnce;
  private boolean handing; // what was read, to the listener, who may write meanwhile
  private boolean lossWaits; // until that is done
  private boolean failing; // the peer has gone; what it sent before is read yet
  private boolean closed;

  /**
   * Prepares a socket, which is not registered with an event loop yet. Netty has set TCP_NODELAY.
   *
   * @throws ChannelException when it cannot be prepared; it is still the caller's
   */
  public TcpChannel(EpollSocketChannel socket, SocketSetup setup) {
    this.socket = socket;
    this.setup = setup;
    this.accepted = socket.isActive();
    this.account = Account.of(socket);
    this.sizes = setup.readSizes().ofSocket();
    EpollSocketChannelConfig config = socket.config();
    config.setAutoRead(false);
    config.setAllowHalfClosure(true);
    config.setAutoClose(false); // what came before a write failed is still to be read
    config.setAllocator(setup.allocator());
    config.setRecvByteBufAllocator(sizes);
    socket.pipeline().addLast(this);
    try {
      AdoptedSockets.prepare(socket);
    } catch (IOException e) {
      throw new ChannelException(e);
    }
  }

  @Override
  public void took(long nanos) {
    sizes.took(nanos);
  }

  /** Before the event loop first looks at the socket. */
  @Override
  public void channelRegistered(ChannelHandlerContext context) throws IOException {
    AdoptedSockets.enter(socket, accepted);
  }

  @Override
  public void channelActive(ChannelHandlerContext context) throws IOException {
    if (!accepted && !closed) {
      AdoptedSockets.connected(socket);
    }
    Runnable told = active;
    if (told != null) {
      told.run();
    }
    if (!closed && !readRequested) {
      AdoptedSockets.pause(socket);
    }
  }

  /** Is told when one that was accepted can be used; before it is registered. */
  public void whenActive(Runnable told) {
    active = told;
  }

  // --- until it is started -------------------------------------------------------------------

  @Override
  public void whenGone(Consumer<ChannelEnd> told) {
    goneListener = told;
  }

  @Override
  public ByteChannel accept() {
    return this;
  }

  @Override
  public void refuse(Reason reason) {
    reset();
  }

  @Override
  public void listen(Listener local) {
    listener = local;
  }

  @Override
  public void start() {
    read();
  }

  // --- from the peer -------------------------------------------------------------------------

  @Override
  public boolean hasWindow() {
    return false;
  }

  @Override
  public void consumed(int bytes) {}

  @Override
  public void read() {
    if (!readRequested && !inputEnded && !closed) {
      readRequested = true;
      reportOnceIfPausedForGood();
      socket.read();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    Listener local = listener;
    if (closed || local == null || !readRequested) {
      // Netty reads without being asked only to find out about an error.
      ReferenceCountUtil.release(message);
      lost(ChannelEnd.RESET_BY_PEER);
      return;
    }
    readRequested = false;
    handing = true;
    ByteBuf bytes = (ByteBuf) message;
    if (account != null) {
      account.received(bytes.readableBytes());
    }
    local.bytes(bytes);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    endBatch();
    handing = false;
    if (lossWaits) {
      lossWaits = false;
      lost(ChannelEnd.RESET_BY_PEER);
    }
  }

  private void endBatch() {
    Listener local = listener;
    if (closed || local == null || inputEnded) {
      return;
    }
    if (!failing && socket.unsafe().recvBufAllocHandle().lastBytesRead() < 0) {
      endInput(local); // before Netty shuts it, which does nothing where this has closed it
      return;
    }
    if (readRequested) {
      return;
    }
    local.batchEnded();
    if (!closed && !readRequested) {
      reportOnceIfPausedForGood();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (!(event instanceof ChannelInputShutdownReadComplete) || closed) {
      return;
    }
    if (failing) {
      inputEnded = true; // of a connection that was reset, so nothing to tell
    } else if (inputEnded && !inputShut) {
      inputShut = true;
      AdoptedSockets.reportErrorsAfterEndOfInput(socket);
    } else {
      lost(ChannelEnd.RESET_BY_PEER);
    }
  }

  private void endInput(Listener local) {
    inputEnded = true;
    local.inputEnded();
    closeIfFinished();
  }

  // --- to the peer ---------------------------------------------------------------------------

  @Override
  public void write(ByteBuf bytes) {
    int length = bytes.readableBytes();
    unsent += length;
    answersEnd |= inputEnded;
    if (account != null) {
      account.sent(length);
    }
    socket.write(bytes, socket.voidPromise());
  }

  /** An empty write behind those that did not go at once tells when they have gone. */
  @Override
  public void flush() {
    socket.flush();
    if (hasSentEverything()) {
      unsent = 0;
    } else if (!closed && !draining) {
      draining = true;
      socket.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(this);
    }
  }

  private boolean hasSentEverything() {
    ChannelOutboundBuffer pending = socket.unsafe().outboundBuffer();
    return pending == null || pending.isEmpty();
  }

  /** Everything that was written has gone, or never will. */
  @Override
  public void operationComplete(ChannelFuture future) {
    draining = false;
    unsent = 0;
    Listener local = listener;
    if (future.isSuccess() && !closed && local != null) {
      local.writable();
    }
  }

  @Override
  public boolean isWritable() {
    return !draining;
  }

  @Override
  public void waitForAll(boolean all) {}

  @Override
  public int unsentBytes() {
    return unsent;
  }

  @Override
  public void endOutput() {
    if (outputEnded || closed) {
      return;
    }
    outputEnded = true;
    if (inputEnded && !answersEnd && !failing) {
      closeIfFinished(); // a close says the end too
      return;
    }
    try {
      AdoptedSockets.endOutput(socket);
    } catch (IOException | NotYetConnectedException e) {
      lost(ChannelEnd.RESET_BY_PEER);
      return;
    }
    reportOnceIfPausedForGood();
    closeIfFinished();
  }

  @Override
  public void lasts() {
    if (!accepted && !closed) { // the listener's has it from there
      try {
        AdoptedSockets.keepAlive(socket, setup.keepAlive());
      } catch (IOException e) {
        setup.failures().accept(e);
      }
    }
  }

  // --- the end -------------------------------------------------------------------------------

  /** At once: a socket with both directions ended reports a hang-up for as long as it is open. */
  private void closeIfFinished() {
    if (inputEnded && outputEnded && !closed) {
      close();
      tellClosed(ChannelEnd.FINISHED);
    }
  }

  private void lost(ChannelEnd how) {
    if (closed || failing) {
      return;
    }
    if (handing && how == ChannelEnd.RESET_BY_PEER) {
      lossWaits = true; // whoever is given something asks for more behind that
      return;
    }
    failing = true;
    if (how == ChannelEnd.RESET_BY_PEER) {
      readWhatCame();
    }
    if (!closed) {
      reset();
      tellClosed(how);
    }
  }

  /**
   * A peer that answers early and closes resets who still sends; its answer lies before the reset,
   * and a write may meet that first. As much as is wanted, and no more than a socket holds.
   */
  private void readWhatCame() {
    for (int i = 0; i < MOST_LATE_READS && readRequested && !inputEnded && !closed; i++) {
      if (listener == null || !socket.isOpen() || !socket.isRegistered()) {
        return;
      }
      AdoptedSockets.readNow(socket);
    }
  }

  private void tellClosed(ChannelEnd how) {
    Listener local = listener;
    Consumer<ChannelEnd> gone = goneListener;
    if (local != null) {
      local.closed(how);
    } else if (gone != null) {
      gone.accept(how);
    }
  }

  @Override
  public void reset() {
    if (!closed && socket.isOpen()) {
      try {
        socket.config().setSoLinger(0);
      } catch (ChannelException e) {
        // The socket has gone already, so there is nobody left to reset.
      }
    }
    close();
  }

  private void close() {
    if (!closed) {
      closed = true;
      if (socket.isRegistered()) {
        AdoptedSockets.close(socket);
      } else {
        socket.unsafe().closeForcibly();
      }
    }
  }

  private void reportOnceIfPausedForGood() {
    boolean once = outputEnded && !inputEnded && !readRequested && !closed;
    if (once != reportsOnce) {
      reportsOnce = once;
      try {
        AdoptedSockets.reportOnce(socket, once);
      } catch (IOException e) {
        lost(ChannelEnd.RESET_BY_PEER);
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    lost(ChannelEnd.RESET_BY_PEER);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (closed) {
      return;
    }
    if (cause instanceof IOException || cause instanceof NotYetConnectedException) {
      lost(ChannelEnd.RESET_BY_PEER);
    } else {
      setup.failures().accept(cause);
      lost(ChannelEnd.FAILED);
    }
  }
}
