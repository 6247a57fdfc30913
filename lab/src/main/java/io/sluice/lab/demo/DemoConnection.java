package io.sluice.lab.demo;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A client's connection out of a pod, with the system's own calls: the JDK's channels would tell
 * the address they were given instead of what getpeername(2) says. For one platform thread.
 */
final class DemoConnection implements AutoCloseable {
  /** A peer that says nothing for so long has failed. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final int SO_RCVTIMEO = 20;
  private static final int SO_SNDTIMEO = 21;
  private static final int LONGEST_LINE = 512;
  private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  private final int fd;
  private final String greeting;

  private DemoConnection(int fd, String greeting) {
    this.fd = fd;
    this.greeting = greeting;
  }

  /** Connects and reads the first line; throws {@link LinuxException} as the kernel refuses. */
  static DemoConnection open(NetnsHandle pod, InetSocketAddress destination) {
    int fd = socket(pod, destination, Sockets.SOCK_STREAM);
    try {
      if (!Sockets.connect(fd, destination)) {
        throw timedOut("connect", destination);
      }
      return new DemoConnection(fd, readLine(fd, destination.toString()));
    } catch (RuntimeException e) {
      Sockets.close(fd);
      throw e;
    }
  }

  /** One call: connect, read the greeting, close. */
  static CallResult call(NetnsHandle pod, InetSocketAddress destination) {
    long begin = System.nanoTime();
    try (DemoConnection connection = open(pod, destination)) {
      long nanos = System.nanoTime() - begin;
      return new CallResult.Answered(
          connection.greeting,
          Sockets.peerAddress(connection.fd),
          Sockets.localAddress(connection.fd),
          nanos);
    } catch (LinuxException e) {
      return new CallResult.Failed(e.operation(), e.errno(), System.nanoTime() - begin);
    }
  }

  /** Waits until servers that another process has opened answer, and the mesh lets them. */
  static void awaitAnswer(SitePod from, InetSocketAddress destination) throws InterruptedException {
    try (NetnsHandle pod = from.open()) {
      if (!Await.until(DemoRun.CHANGE_DEADLINE, () -> call(pod, destination).isAnswered())) {
        throw new DemoException("the servers that were to stay do not answer");
      }
    }
  }

  /** Sends one datagram and waits for the answer. */
  static CallResult ask(NetnsHandle pod, InetSocketAddress destination) {
    long begin = System.nanoTime();
    int fd = socket(pod, destination, Sockets.SOCK_DGRAM);
    try {
      Sockets.sendTo(fd, ByteBuffer.wrap(bytes("anybody there?")), 0, destination);
      ByteBuffer answer = ByteBuffer.allocate(LONGEST_LINE);
      if (Sockets.read(fd, answer) <= 0) {
        throw timedOut("read", destination);
      }
      String line = new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
      return new CallResult.Answered(
          line, destination, Sockets.localAddress(fd), System.nanoTime() - begin);
    } catch (LinuxException e) {
      return new CallResult.Failed(e.operation(), e.errno(), System.nanoTime() - begin);
    } finally {
      Sockets.close(fd);
    }
  }

  /** Sends a line and returns what comes back. */
  String echo(String line) {
    Sockets.write(fd, ByteBuffer.wrap(bytes(line + "\n")));
    return readLine(fd, line);
  }

  @Override
  public void close() {
    Sockets.close(fd);
  }

  /** A socket belongs to the namespace in which it was made, wherever its thread goes then. */
  private static int socket(NetnsHandle pod, InetSocketAddress destination, int type) {
    int domain = Sockets.Family.of(destination.getAddress()).domain();
    int fd = NAMESPACES.callIn(pod, () -> Sockets.socket(domain, type, 0));
    Sockets.setsockopt(fd, Sockets.SOL_SOCKET, SO_RCVTIMEO, timeval());
    Sockets.setsockopt(fd, Sockets.SOL_SOCKET, SO_SNDTIMEO, timeval());
    return fd;
  }

  private static byte[] timeval() {
    return ByteBuffer.allocate(2 * Long.BYTES)
        .order(ByteOrder.nativeOrder())
        .putLong(PATIENCE.toSeconds())
        .putLong(0)
        .array();
  }

  private static String readLine(int fd, String subject) {
    ByteBuffer line = ByteBuffer.allocate(LONGEST_LINE);
    while (true) {
      int got = Sockets.read(fd, line);
      if (got <= 0) {
        throw got == 0
            ? new LinuxException("read", Errno.ETIMEDOUT, subject, "")
            : new LinuxException("read", Errno.ENODATA, subject, "the peer closed without a word");
      }
      String text = new String(line.array(), 0, line.position(), StandardCharsets.UTF_8);
      if (text.endsWith("\n")) {
        return text.substring(0, text.length() - 1);
      }
    }
  }

  private static LinuxException timedOut(String operation, InetSocketAddress destination) {
    return new LinuxException(operation, Errno.ETIMEDOUT, IpAddresses.text(destination), "");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
