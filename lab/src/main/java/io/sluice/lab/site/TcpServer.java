package io.sluice.lab.site;

import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server application inside a pod; remembers whom it has accepted. */
public final class TcpServer implements AutoCloseable {
  private static final int BACKLOG = 4_096;

  /** One connection as the application sees it. */
  public record Accepted(InetSocketAddress peer, InetSocketAddress local) {}

  /** What the application does with a connection; the channel is closed afterwards. */
  @FunctionalInterface
  public interface Conversation {
    void hold(SocketChannel channel) throws IOException;
  }

  private final SitePod pod;
  private final InetSocketAddress address;
  private final ServerSocketChannel listener;
  private final Conversation conversation;
  private final Thread acceptor;
  private final List<Accepted> accepted = new CopyOnWriteArrayList<>();
  private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

  private TcpServer(SitePod pod, ServerSocketChannel listener, Conversation conversation) {
    this.pod = pod;
    this.listener = listener;
    this.address = addressOf(listener);
    this.conversation = conversation;
    this.acceptor = Thread.ofVirtual().name("app-server").unstarted(this::acceptUntilClosed);
    acceptor.start();
  }

  /** Echoes on the pod's address; port 0 lets the kernel choose. */
  public static TcpServer echo(SitePod pod, Family family, int port) {
    return open(pod, pod.at(family, port), TcpServer::echoAll);
  }

  /** Holds {@code conversation} with everyone who connects to {@code address}. */
  public static TcpServer open(SitePod pod, InetSocketAddress address, Conversation conversation) {
    // Threads are started outside: the JVM's own, once born inside, would keep the namespace.
    ServerSocketChannel bound =
        pod.call(() ->
            Await.value(address + " is free", Await.PATIENCE, () -> Optional.of(listen(address))));
    return new TcpServer(pod, bound, conversation);
  }

  /**
   * Fails while the address is in use, with who has it: a program that another thread starts has
   * the descriptors of this process, also those of a server that has ended, until it has begun.
   */
  private static ServerSocketChannel listen(InetSocketAddress address) throws IOException {
    ServerSocketChannel listener =
        ServerSocketChannel.open(Family.of(address.getAddress()).protocol());
    try {
      listener.bind(address, BACKLOG);
      return listener;
    } catch (IOException e) {
      listener.close();
      String holders = Commands.run("ss", "-Htanp", "sport = :" + address.getPort());
      throw new IOException(e.getMessage() + "; at that port: " + holders, e);
    }
  }

  private void acceptUntilClosed() {
    while (listener.isOpen()) {
      try {
        SocketChannel channel = listener.accept();
        open.add(channel);
        accepted.add(
            new Accepted(
                (InetSocketAddress) channel.getRemoteAddress(),
                (InetSocketAddress) channel.getLocalAddress()));
        Thread.ofVirtual().name("app-conversation").start(() -> hold(channel));
      } catch (IOException e) {
        // Closed by close(), or a client that had gone before it was accepted.
      }
    }
  }

  private void hold(SocketChannel channel) {
    try (channel) {
      conversation.hold(channel);
    } catch (IOException e) {
      // The client went away: its side of the test tells.
    } finally {
      open.remove(channel);
    }
  }

  /** Sends everything back, and ends when the client has ended. */
  public static void echoAll(SocketChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(16 * 1_024);
    while (channel.read(buffer) >= 0) {
      buffer.flip();
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      buffer.clear();
    }
    channel.shutdownOutput();
  }

  /** Says {@code words} without being asked, then listens until the client has ended. */
  public static Conversation greeting(String words) {
    return channel -> {
      channel.write(ByteBuffer.wrap(words.getBytes(StandardCharsets.US_ASCII)));
      ByteBuffer ignored = ByteBuffer.allocate(1_024);
      while (channel.read(ignored) >= 0) {
        ignored.clear();
      }
    };
  }

  private static InetSocketAddress addressOf(ServerSocketChannel listener) {
    try {
      return (InetSocketAddress) listener.getLocalAddress();
    } catch (IOException e) {
      throw new UncheckedIOException("the listener is closed", e);
    }
  }

  /** Port it listens on. */
  public int port() {
    return address.getPort();
  }

  /** Connections accepted so far. */
  public List<Accepted> accepted() {
    return List.copyOf(accepted);
  }

  /** A port of the loopback, for a program that has to be told one. */
  public static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no port is free", e);
    }
  }

  /** Whether no socket listens there, nor the copy of one: see {@link #listen}. */
  private boolean isLeft() throws IOException {
    try (SocketChannel probe = SocketChannel.open(Family.of(address.getAddress()).protocol())) {
      probe.setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(address);
      return true;
    } catch (BindException e) {
      return !String.valueOf(e.getMessage()).contains("in use"); // the address may be gone
    }
  }

  /** Ends the application, listener and connections; who calls then is refused. */
  @Override
  public void close() {
    try {
      listener.close();
      acceptor.join(); // the port is free when the thread that waits there has let go of it
      for (SocketChannel channel : open) {
        channel.close();
      }
      if (Files.exists(pod.path())) {
        pod.call(() -> {
          Await.until(address + " is left", this::isLeft);
          return null;
        });
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot end the server", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
