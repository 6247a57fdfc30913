package io.netty.channel.epoll;

import io.netty.channel.Channel;
import io.netty.channel.IoHandle;
import io.sluice.proxy.relay.KeepAlive;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What the relay needs of Netty's epoll channels and Netty does not make public (4.2.18).
 *
 * <ul>
 *   <li>A channel over a descriptor that is <em>not yet connected</em>: the public constructor
 *       takes any socket without a pending error for an active one.
 *   <li>Channels that do not watch EPOLLRDHUP: on that event Netty reads until the end of input
 *       whatever the application asked for, so a peer that sends much and finishes would fill
 *       memory while the other end does not read.
 *   <li>News of a reset after the end of input: Netty would neither read nor tell, and the
 *       level-triggered EPOLLERR would spin the event loop.
 * </ul>
 *
 * <p>All methods but {@link #connecting}, {@link #keepAlive}, {@link #prepare} and the look-ups run
 * on the channel's event loop, after its registration.
 */
public final class AdoptedSockets {
  private AdoptedSockets() {}

  /** A channel that can {@code connect}; owns {@code fd} from now on. */
  public static EpollSocketChannel connecting(int fd) {
    return new EpollSocketChannel(new LinuxSocket(fd), false);
  }

  /** Probes for dead peers: of the channel's socket, and of all that a listener accepts. */
  public static void keepAlive(AbstractEpollChannel channel, KeepAlive probes) throws IOException {
    LinuxSocket socket = channel.socket;
    socket.setTcpKeepIdle((int) probes.after().toSeconds());
    socket.setTcpKeepIntvl((int) probes.interval().toSeconds());
    socket.setTcpKeepCnt(probes.probes());
    socket.setKeepAlive(true);
  }

  /**
   * Sends the end of output. {@code channel.shutdownOutput()} does so too, but first makes an
   * exception, with its stack, for writes that may still wait; the caller has none.
   */
  public static void endOutput(EpollSocketChannel channel) throws IOException {
    channel.socket.shutdown(false, true);
  }

  /**
   * Before registration: the channel enters the epoll set for errors and bytes, and for its
   * connection where that is to be made. Who does not read once it is active is to {@link #pause}
   * before the loop goes on. The kernel hears nothing yet.
   */
  public static void prepare(EpollSocketChannel channel) throws IOException {
    channel.setFlag(Native.EPOLLERR | Native.EPOLLIN);
    if (!channel.active) {
      channel.setFlag(Native.EPOLLOUT);
    }
    channel.active = false; // Netty would submit EPOLLRDHUP
  }

  /**
   * First of all after registration: the end of input is seen only by reading up to it from now on.
   *
   * @param connected whether it was accepted
   */
  public static void enter(EpollSocketChannel channel, boolean connected) throws IOException {
    channel.clearFlag(Native.EPOLLRDHUP);
    if (connected) {
      channel.active = true;
    }
  }

  /** Does not watch for bytes until it is to read. */
  public static void pause(EpollSocketChannel channel) {
    channel.clearEpollIn();
  }

  /** Has connected; waits for that no more. */
  public static void connected(EpollSocketChannel channel) throws IOException {
    if (channel.isFlagSet(Native.EPOLLOUT)) { // done at once, or more was written than went
      channel.clearFlag(Native.EPOLLOUT);
      channel.flush();
    }
  }

  /** The channel behind what an event loop registers, or null where it is none. */
  public static @Nullable Channel channel(IoHandle handle) {
    return handle instanceof AbstractEpollChannel.AbstractEpollUnsafe unsafe
        ? unsafe.channel()
        : null;
  }

  /** What a channel is told of these bits of epoll_wait(2). */
  public static EpollIoEvent event(int bits) {
    return EpollIoOps.eventOf(bits);
  }

  /** Reads once, as on an event; a write has failed, and what the peer sent before may be there. */
  public static void readNow(EpollSocketChannel channel) {
    ((AbstractEpollChannel.AbstractEpollUnsafe) channel.unsafe()).epollInReady();
  }

  /** Closes a registered channel. {@code channel.close()} would first ask whether it lingers. */
  public static void close(EpollSocketChannel channel) {
    channel.registration().cancel();
    try {
      channel.socket.close();
    } catch (IOException e) {
      // The descriptor is free all the same (close(2)).
    }
    channel.close();
  }

  /**
   * After the end of input: an error on the socket shows as an exception or as a further {@code
   * ChannelInputShutdownReadComplete}.
   */
  public static void reportErrorsAfterEndOfInput(EpollSocketChannel channel) {
    channel.inputClosedSeenErrorOnRead = false;
  }

  /**
   * Tells of each event once instead of for as long as it lasts. Needed while reading is paused on
   * a socket whose output is shut: EPOLLHUP cannot be masked and lasts once the peer has finished.
   */
  public static void reportOnce(EpollSocketChannel channel, boolean once) throws IOException {
    if (once) {
      channel.setFlag(Native.EPOLLET);
    } else {
      channel.clearFlag(Native.EPOLLET);
    }
  }
}
