package io.sluice.lab.site;

import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A UDP server inside a pod that sends everything back, and clients of it on bare sockets. */
public final class Datagrams implements AutoCloseable {
  private static final int MAX_BYTES = 2_048;

  private final DatagramChannel channel;
  private final InetSocketAddress address;
  private final List<String> received = new CopyOnWriteArrayList<>();

  private Datagrams(DatagramChannel channel, InetSocketAddress address) {
    this.channel = channel;
    this.address = address;
    Thread.ofVirtual().name("app-datagrams").start(this::echoUntilClosed);
  }

  /** Serves on the pod's address. */
  public static Datagrams echo(SitePod pod, Family family, int port) {
    return echoAt(pod, pod.at(family, port));
  }

  /** Serves on an address that the pod has beside its own. */
  public static Datagrams echoAt(SitePod pod, InetSocketAddress address) {
    DatagramChannel bound =
        pod.call(
            () -> DatagramChannel.open(Family.of(address.getAddress()).protocol()).bind(address));
    return new Datagrams(bound, address); // its thread is started outside
  }

  private void echoUntilClosed() {
    ByteBuffer buffer = ByteBuffer.allocate(MAX_BYTES);
    while (channel.isOpen()) {
      try {
        buffer.clear();
        SocketAddress sender = channel.receive(buffer);
        buffer.flip();
        received.add(StandardCharsets.US_ASCII.decode(buffer.duplicate()).toString());
        channel.send(buffer, sender);
      } catch (IOException e) {
        // Closed by close(); anything else the client's side of the test tells.
      }
    }
  }

  /** Where it serves. */
  public InetSocketAddress address() {
    return address;
  }

  /** Sends from the server's own port. */
  public void send(String text, InetSocketAddress to) {
    try {
      channel.send(bytes(text), to);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot send to " + to, e);
    }
  }

  /** What has come so far. */
  public List<String> received() {
    return List.copyOf(received);
  }

  /** Connects a socket of {@code family}, sends, and returns the answer. */
  public static String askConnected(
      SitePod pod, Family family, InetSocketAddress server, String question) {
    int fd = open(pod, family);
    try {
      Sockets.connect(fd, server);
      Sockets.write(fd, bytes(question));
      return answer(fd);
    } finally {
      Sockets.close(fd);
    }
  }

  /** Sends from an unconnected socket of {@code family}, and returns the answer. */
  public static String askUnconnected(
      SitePod pod, Family family, InetSocketAddress server, String question) {
    int fd = open(pod, family);
    try {
      Sockets.sendTo(fd, bytes(question), 0, server);
      return answer(fd);
    } finally {
      Sockets.close(fd);
    }
  }

  /** Sends from an unconnected socket and waits for nothing. */
  public static void send(SitePod pod, Family family, InetSocketAddress server, String text) {
    int fd = open(pod, family);
    try {
      Sockets.sendTo(fd, bytes(text), 0, server);
    } finally {
      Sockets.close(fd);
    }
  }

  private static int open(SitePod pod, Family family) {
    return pod.call(
        () -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM | Sockets.SOCK_NONBLOCK, 0));
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static String answer(int fd) {
    ByteBuffer buffer = ByteBuffer.allocate(MAX_BYTES);
    Await.until("an answer has come", Attempt.TIMEOUT, () -> Sockets.read(fd, buffer) > 0);
    return new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot end the server", e);
    }
  }
}
