package io.sluice.lab.site;

import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What an application saw that connected, sent, and read until the end.
 *
 * @param begun just before the connect call
 * @param end how it ended
 * @param answer what it read
 * @param time from the connect call to the end
 * @param local the address the socket was bound to; the pod's own where that was a wildcard
 * @param detail the error's text
 */
public record Attempt(
    Instant begun, End end, String answer, Duration time, InetSocketAddress local, String detail) {

  /** How a connection ended for its client. */
  public enum End {
    /** Closed by the server in order. */
    FINISHED,
    /** Reset after it was established (ECONNRESET, EPIPE). */
    RESET,
    /** Never established: ECONNREFUSED. */
    REFUSED,
    /** The call itself was not permitted (EPERM). */
    NOT_PERMITTED,
    /** Nothing happened for {@link #TIMEOUT}. */
    TIMED_OUT,
    /** Anything else. */
    FAILED
  }

  /** Far above any answer in a site; a refused flow must never come near it. */
  public static final Duration TIMEOUT = Await.patience(15);

  /**
   * Below those that the kernel chooses from, and below the mesh's own, which captures look for.
   */
  private static final int FIRST_PORT = 10_000;

  private static final int PORT_COUNT = 5_000;
  private static final AtomicInteger PORTS = new AtomicInteger();

  /** From {@code pod}, with a socket of the destination's family: sends {@code text} and FIN. */
  public static Attempt from(SitePod pod, InetSocketAddress destination, String text) {
    return pod.call(() -> {
      try (SocketChannel channel =
          SocketChannel.open(Family.of(destination.getAddress()).protocol())) {
        bind(channel);
        return of(pod, channel, destination, text);
      }
    });
  }

  /**
   * Before it connects, for a socket that was reset does not tell its port any more; to one that no
   * connection has left in connection tracking, where a rule would have the kernel change it, and
   * records would name that one.
   */
  private static void bind(SocketChannel channel) throws IOException {
    while (channel.getLocalAddress() == null) {
      int port = FIRST_PORT + PORTS.getAndIncrement() % PORT_COUNT;
      try {
        channel.bind(new InetSocketAddress(port));
      } catch (BindException e) { // a server's, so the next
        continue;
      }
    }
  }

  /** On a bound socket that was made inside {@code pod}. */
  public static Attempt of(
      SitePod pod, SocketChannel channel, InetSocketAddress destination, String text)
      throws IOException {
    InetSocketAddress local = (InetSocketAddress) channel.getLocalAddress();
    if (local.getAddress().isAnyLocalAddress()) {
      local = pod.at(Family.of(destination.getAddress()), local.getPort());
    }
    Instant begun = Instant.now();
    long begin = System.nanoTime();
    StringBuilder answer = new StringBuilder();
    try {
      var socket = channel.socket();
      socket.connect(destination, (int) TIMEOUT.toMillis());
      socket.setSoTimeout((int) TIMEOUT.toMillis());
      socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      byte[] buffer = new byte[4_096];
      for (int got = read(channel, buffer); got >= 0; got = read(channel, buffer)) {
        answer.append(new String(buffer, 0, got, StandardCharsets.US_ASCII));
      }
      return new Attempt(begun, End.FINISHED, answer.toString(), since(begin), local, "");
    } catch (IOException e) {
      return new Attempt(begun, end(e), answer.toString(), since(begin), local, String.valueOf(e));
    }
  }

  private static int read(SocketChannel channel, byte[] buffer) throws IOException {
    return channel.socket().getInputStream().read(buffer);
  }

  private static Duration since(long begin) {
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /** The JDK keeps only the text of strerror(3). */
  static End end(IOException e) {
    if (e instanceof SocketTimeoutException) {
      return End.TIMED_OUT;
    }
    String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
    if (text.contains("refused")) {
      return End.REFUSED;
    } else if (text.contains("reset")
        || text.contains("broken pipe")
        || text.contains("not connected")) {
      return End.RESET;
    } else if (text.contains("not permitted") || text.contains("permission denied")) {
      return End.NOT_PERMITTED;
    }
    return End.FAILED;
  }

  /** Whether the server's whole answer came. */
  public boolean answered() {
    return end == End.FINISHED && !answer.isEmpty();
  }

  /** Whether the handshake itself was refused: nobody has accepted anything. */
  public boolean wasConnectionRefused() {
    return end == End.REFUSED && answer.isEmpty();
  }

  /** Whether somebody accepted the connection, and reset it before a byte came. */
  public boolean wasReset() {
    return end == End.RESET && answer.isEmpty();
  }

  /** Either, where it is not the question who did it: who calls was not served. */
  public boolean wasTurnedAway() {
    return wasReset() || wasConnectionRefused();
  }
}
