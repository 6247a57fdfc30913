package io.sluice.proxy;

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
import io.sluice.proxy.hbone.SocketTunnel;
import java.io.IOException;
import java.nio.channels.NotYetConnectedException;
import org.jspecify.annotations.Nullable;

/**
 * One of the two sockets of a connection. What it reads goes to the other one, and it reads again
 * only when the other socket has taken everything: one read per direction is all that is ever
 * buffered.
 */
final class Leg extends ChannelInboundHandlerAdapter implements ChannelFutureListener {
  final Connection connection;
  final EpollSocketChannel channel;
  private @Nullable Leg other;

  private boolean readRequested;
  private int readCapacity;
  private boolean inputEnded;
  private boolean outputEnded;
  private boolean reportsOnce;
  private boolean closed;
  private long held;

  Leg(Connection connection, EpollSocketChannel channel) {
    this.connection = connection;
    this.channel = channel;
    EpollSocketChannelConfig config = channel.config();
    config.setAutoRead(false);
    config.setAllowHalfClosure(true);
    config.setTcpNoDelay(true);
    config.setAllocator(connection.path.allocator);
    config.setRecvByteBufAllocator(connection.pod.readSizes);
    channel.pipeline().addLast(this);
    try {
      AdoptedSockets.watchErrors(channel);
    } catch (IOException e) {
      throw new ChannelException(e);
    }
  }

  /** Gives the socket, of which nothing was read yet, to a tunnel; it is the tunnel's to close. */
  SocketTunnel handOver(SocketTunnel.Listener listener) {
    SocketTunnel tunnel = new SocketTunnel(channel, connection.pod.budget, listener);
    closed = true;
    channel.pipeline().remove(this);
    return tunnel;
  }

  /** Starts moving bytes from here to {@code target}. */
  void relayTo(Leg target) {
    other = target;
    read();
  }

  /** Closes with a reset, whatever is still buffered. */
  void reset() {
    if (!closed && channel.isOpen()) {
      try {
        channel.config().setSoLinger(0);
      } catch (ChannelException e) {
        // The socket has gone already, so there is nobody left to reset.
      }
    }
    close();
  }

  private void close() {
    if (!closed) {
      closed = true;
      if (channel.isRegistered()) {
        channel.close();
      } else {
        channel.unsafe().closeForcibly();
      }
    }
  }

  private void read() {
    if (!readRequested && !inputEnded && !closed) {
      readRequested = true;
      reportOnceIfPausedForGood();
      channel.read();
    }
  }

  /** To be called once registered, before the event loop looks at the socket. */
  void registered() {
    try {
      AdoptedSockets.ignoreEarlyEndOfInput(channel);
    } catch (IOException e) {
      throw new ChannelException(e);
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    connection.active(this);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    Leg target = other;
    if (closed || target == null || !readRequested) {
      // Netty reads without being asked only to find out about an error.
      ReferenceCountUtil.release(message);
      connection.wasReset(this);
      return;
    }
    ByteBuf bytes = (ByteBuf) message;
    readRequested = false;
    readCapacity = bytes.capacity();
    connection.moved(this, bytes.readableBytes());
    target.channel.write(bytes, target.channel.voidPromise());
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    Leg target = other;
    if (closed || target == null || readRequested || inputEnded) {
      return;
    }
    target.channel.flush();
    if (closed || target.closed) {
      return;
    }
    if (target.hasSentEverything()) {
      read();
    } else {
      target.hold(readCapacity);
      reportOnceIfPausedForGood();
    }
  }

  private boolean hasSentEverything() {
    ChannelOutboundBuffer pending = channel.unsafe().outboundBuffer();
    return pending == null || pending.isEmpty();
  }

  /** An empty write behind the pending ones tells when they are gone. */
  private void hold(long bytes) {
    held = bytes;
    connection.pod.budget.hold(bytes);
    channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(this);
  }

  /** Everything that was written to this socket has gone, or never will. */
  @Override
  public void operationComplete(ChannelFuture future) {
    connection.pod.budget.release(held);
    held = 0;
    Leg source = other;
    if (!future.isSuccess() || closed || source == null) {
      return;
    }
    if (source.inputEnded) {
      endOutput();
    } else {
      source.read();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (!(event instanceof ChannelInputShutdownReadComplete) || closed) {
      return;
    }
    Leg target = other;
    if (inputEnded || target == null) {
      connection.wasReset(this);
      return;
    }
    inputEnded = true;
    AdoptedSockets.reportErrorsAfterEndOfInput(channel);
    connection.touch();
    if (target.hasSentEverything()) {
      target.endOutput();
    }
    closeIfFinished();
  }

  private void endOutput() {
    if (outputEnded || closed) {
      return;
    }
    outputEnded = true;
    try {
      AdoptedSockets.endOutput(channel);
    } catch (IOException | NotYetConnectedException e) {
      connection.wasReset(this);
      return;
    }
    reportOnceIfPausedForGood();
    closeIfFinished();
  }

  private void closeIfFinished() {
    if (inputEnded && outputEnded && !closed) {
      close();
      connection.finished(this);
    }
  }

  boolean isClosed() {
    return closed;
  }

  private void reportOnceIfPausedForGood() {
    boolean once = outputEnded && !inputEnded && !readRequested && !closed;
    if (once != reportsOnce) {
      reportsOnce = once;
      try {
        AdoptedSockets.reportOnce(channel, once);
      } catch (IOException e) {
        connection.failed(e);
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (!closed) {
      connection.wasReset(this);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (closed) {
      return;
    }
    if (cause instanceof IOException) {
      connection.wasReset(this);
    } else {
      connection.failed(cause);
    }
  }
}
