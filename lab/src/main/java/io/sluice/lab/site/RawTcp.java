package io.sluice.lab.site;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/** A TCP socket on the bare system calls, for what the JDK hides or does not offer. */
public final class RawTcp implements AutoCloseable {
  private final int fd;
  private final AtomicBoolean closed = new AtomicBoolean();

  private RawTcp(int fd) {
    this.fd = fd;
  }

  /** Connects with a socket of the destination's family. */
  public static RawTcp connect(SitePod pod, InetSocketAddress destination) {
    return connect(pod, Family.of(destination.getAddress()), destination, socket -> {});
  }

  /**
   * Connects with a socket of {@code family}, after {@code prepare} has done what it likes with the
   * descriptor. Fails with the error of the connect call or of the connection.
   */
  public static RawTcp connect(
      SitePod pod, Family family, InetSocketAddress destination, IntConsumer prepare) {
    RawTcp socket = open(pod, family, Sockets.IPPROTO_TCP);
    try {
      prepare.accept(socket.fd);
      socket.connect(destination);
      return socket;
    } catch (RuntimeException | Error e) {
      socket.close();
      throw e;
    }
  }

  /** An unconnected, non-blocking stream socket. */
  public static RawTcp open(SitePod pod, Family family, int protocol) {
    return new RawTcp(
        pod.call(() ->
            Sockets.socket(
                family.domain(), Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK, protocol)));
  }

  /** Connects and waits until the connection stands. */
  public void connect(InetSocketAddress destination) {
    if (!Sockets.connect(fd, destination)) {
      awaitConnected(destination);
    }
  }

  /** Waits until the connection that was begun stands; fails with its error. */
  public void awaitConnected(InetSocketAddress destination) {
    Await.until(
        "the connection to " + destination + " is decided",
        Attempt.TIMEOUT,
        () -> {
          int error = Sockets.error(fd);
          if (error != 0) {
            throw new ConnectionError(Errno.of(error), destination);
          }
          try {
            Sockets.peerAddress(fd);
            return true;
          } catch (LinuxException e) {
            return false;
          }
        });
  }

  /** What SO_ERROR told. */
  static final class ConnectionError extends Error {
    private static final long serialVersionUID = 1;

    ConnectionError(Errno errno, InetSocketAddress destination) {
      super(destination + ": " + errno, null, false, false);
    }
  }

  /** The descriptor; owned by this object. */
  public int fd() {
    return fd;
  }

  /** By getpeername(2). */
  public InetSocketAddress peer() {
    return Sockets.peerAddress(fd);
  }

  /** By getsockname(2). */
  public InetSocketAddress local() {
    return Sockets.localAddress(fd);
  }

  /** Sends all of it. */
  public void send(String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
    Await.until(
        "all is sent",
        Attempt.TIMEOUT,
        () -> {
          Sockets.write(fd, bytes);
          return !bytes.hasRemaining();
        });
  }

  /** Reads so many bytes, or fewer when the other end has finished. */
  public String receive(int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    Await.until(
        bytes + " bytes have come",
        Attempt.TIMEOUT,
        () -> Sockets.read(fd, buffer) < 0 || !buffer.hasRemaining());
    return new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII);
  }

  /** Sends, and returns as many bytes of answer. */
  public String exchange(String text) {
    send(text);
    return receive(text.length());
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Sockets.close(fd);
    }
  }
}
