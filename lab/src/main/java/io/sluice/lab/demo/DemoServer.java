package io.sluice.lab.demo;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.NetworkChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An ordinary server inside a pod, both families on one socket: says who it is and whom it sees,
 * then echoes. Its threads need not be in the namespace, since its sockets are.
 */
final class DemoServer implements AutoCloseable {
  private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();
  private static final int BACKLOG = 128;
  private static final int CHUNK = 4096;

  private final DemoPod pod;
  private final NetworkChannel listener;
  private final Map<IpFamily, AtomicLong> accepted = new EnumMap<>(IpFamily.class);

  private DemoServer(DemoPod pod, NetworkChannel listener) {
    this.pod = pod;
    this.listener = listener;
    for (IpFamily family : IpFamily.values()) {
      accepted.put(family, new AtomicLong());
    }
  }

  static DemoServer tcp(DemoPod pod, NetnsHandle netns, int port) {
    ServerSocketChannel channel =
        inside(netns, () -> ServerSocketChannel.open(StandardProtocolFamily.INET6));
    try {
      channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      channel.bind(new InetSocketAddress("::", port), BACKLOG);
    } catch (IOException e) {
      throw new DemoException(pod.label() + " cannot listen on port " + port + ": " + e);
    }
    DemoServer server = new DemoServer(pod, channel);
    Thread.ofVirtual().name(pod.label()).start(() -> server.accept(channel));
    return server;
  }

  static DemoServer udp(DemoPod pod, NetnsHandle netns, int port) {
    DatagramChannel channel =
        inside(netns, () -> DatagramChannel.open(StandardProtocolFamily.INET6));
    try {
      channel.bind(new InetSocketAddress("::", port));
    } catch (IOException e) {
      throw new DemoException(pod.label() + " cannot open UDP port " + port + ": " + e);
    }
    DemoServer server = new DemoServer(pod, channel);
    Thread.ofVirtual().name(pod.label() + "-udp").start(() -> server.answer(channel));
    return server;
  }

  DemoPod pod() {
    return pod;
  }

  /** Connections, or datagrams, that reached the application. */
  long accepted(IpFamily family) {
    return counter(family).get();
  }

  private AtomicLong counter(IpFamily family) {
    return accepted.computeIfAbsent(family, missing -> new AtomicLong());
  }

  private void accept(ServerSocketChannel channel) {
    try {
      while (true) {
        SocketChannel client = channel.accept();
        InetSocketAddress peer = (InetSocketAddress) client.getRemoteAddress();
        counter(IpFamily.of(peer.getAddress())).incrementAndGet();
        Thread.ofVirtual().name(pod.label() + "-connection").start(() -> serve(client, peer));
      }
    } catch (IOException e) {
      // The listener was closed: the demo is over.
    }
  }

  private void serve(SocketChannel client, InetSocketAddress peer) {
    try (client) {
      InetSocketAddress local = (InetSocketAddress) client.getLocalAddress();
      client.write(
          line(
              pod.label()
                  + " sees "
                  + IpAddresses.text(peer)
                  + " at "
                  + IpAddresses.text(local)
                  + "\n"));
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
      while (client.read(chunk) >= 0) {
        chunk.flip();
        while (chunk.hasRemaining()) {
          client.write(chunk);
        }
        chunk.clear();
      }
    } catch (IOException e) {
      // The client went away without waiting for its answer.
    }
  }

  private void answer(DatagramChannel channel) {
    try {
      ByteBuffer question = ByteBuffer.allocate(CHUNK);
      while (true) {
        SocketAddress peer = channel.receive(question.clear());
        InetSocketAddress from = (InetSocketAddress) peer;
        counter(IpFamily.of(from.getAddress())).incrementAndGet();
        channel.send(line(pod.label() + " sees " + IpAddresses.text(from)), peer);
      }
    } catch (IOException e) {
      // The socket was closed: the demo is over.
    }
  }

  private static ByteBuffer line(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Opens a socket, which stays in that namespace. */
  static <T> T inside(NetnsHandle netns, NetworkNamespaces.Body<T, IOException> opening) {
    try {
      return NAMESPACES.callIn(netns, opening);
    } catch (IOException e) {
      throw new DemoException("cannot open a socket in " + netns + ": " + e);
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      // It is closed all the same.
    }
  }
}
