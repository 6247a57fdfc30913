package io.sluice.lab.traffic;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A client's connection to a server that sends lines back, perhaps after a greeting of its own. For
 * one platform thread at a time.
 */
final class EchoConnection implements AutoCloseable {
  /** A peer that is silent for so long has failed. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final int LONGEST_ANSWER = 1_024;
  private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  private final SocketChannel channel;

  private EchoConnection(SocketChannel channel) {
    this.channel = channel;
  }

  /** Connects with a socket of {@code client}'s namespace. */
  static EchoConnection open(NetnsHandle client, InetSocketAddress server) throws IOException {
    var family =
        Family.of(server.getAddress()) == Family.IPV4
            ? StandardProtocolFamily.INET
            : StandardProtocolFamily.INET6;
    SocketChannel channel = inside(client, family);
    try {
      channel.socket().setSoTimeout((int) PATIENCE.toMillis());
      channel.socket().connect(server, (int) PATIENCE.toMillis());
      return new EchoConnection(channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static SocketChannel inside(NetnsHandle client, StandardProtocolFamily family)
      throws IOException {
    try {
      return NAMESPACES.callIn(client, () -> SocketChannel.open(family));
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("opening a socket throws nothing else", e);
    }
  }

  /** Sends a line and reads until it has come back. */
  void echo(String line) throws IOException {
    channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.US_ASCII)));
    InputStream in = channel.socket().getInputStream();
    StringBuilder answer = new StringBuilder();
    byte[] chunk = new byte[LONGEST_ANSWER];
    while (!answer.toString().endsWith(line + "\n")) {
      int got = in.read(chunk);
      if (got < 0 || answer.length() + got > LONGEST_ANSWER) {
        throw new IOException(
            got < 0 ? "closed before the answer" : "another answer than was sent: " + answer);
      }
      answer.append(new String(chunk, 0, got, StandardCharsets.US_ASCII));
    }
  }

  /** Sends the end, and waits for the server's. */
  void finish() throws IOException {
    channel.shutdownOutput();
    if (channel.socket().getInputStream().read() >= 0) {
      throw new IOException("bytes behind the answer");
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
