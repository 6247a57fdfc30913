package io.sluice.lab.site;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * A port on this machine's own loopback that leads to an address as {@code from} reaches it, for
 * clients whose sockets are made by threads of their own.
 */
public final class Relay implements AutoCloseable {
  private final ServerSocketChannel listener;
  private final SitePod from;
  private final InetSocketAddress target;

  private Relay(ServerSocketChannel listener, SitePod from, InetSocketAddress target) {
    this.listener = listener;
    this.from = from;
    this.target = target;
    Thread.ofPlatform().daemon().name("relay").start(this::acceptUntilClosed);
  }

  /** Opens one. */
  public static Relay open(SitePod from, InetSocketAddress target) {
    try {
      ServerSocketChannel listener = ServerSocketChannel.open();
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      return new Relay(listener, from, target);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open a relay", e);
    }
  }

  /** The port. */
  public int port() {
    return listener.socket().getLocalPort();
  }

  private void acceptUntilClosed() {
    while (listener.isOpen()) {
      try {
        SocketChannel client = listener.accept();
        // By a platform thread: it enters the namespace.
        SocketChannel server = from.call(() -> SocketChannel.open(target));
        join(client, server);
        join(server, client);
      } catch (IOException | RuntimeException e) {
        // Closed by close(), or a target that refuses: the client's side of the test tells.
      }
    }
  }

  private static void join(SocketChannel one, SocketChannel other) {
    Thread.ofVirtual()
        .name("relay-half")
        .start(() -> {
          try (one;
              other) {
            one.socket().getInputStream().transferTo(other.socket().getOutputStream());
          } catch (IOException e) {
            // Either end has gone, and so has the relay.
          }
        });
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot end the relay", e);
    }
  }
}
