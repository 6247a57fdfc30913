package io.sluice.lab.site;

import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** An established connection of a client application, kept open. */
public final class Talk implements AutoCloseable {
  private final Instant begun;
  private final SocketChannel channel;

  private Talk(Instant begun, SocketChannel channel) {
    this.begun = begun;
    this.channel = channel;
  }

  /** Connects from inside {@code pod}. */
  public static Talk begin(SitePod pod, InetSocketAddress destination) {
    return pod.call(() -> {
      SocketChannel channel = SocketChannel.open(Family.of(destination.getAddress()).protocol());
      Instant begun = Instant.now();
      try {
        channel.socket().connect(destination, (int) Attempt.TIMEOUT.toMillis());
        channel.socket().setSoTimeout((int) Attempt.TIMEOUT.toMillis());
        return new Talk(begun, channel);
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    });
  }

  /** Sends {@code text} and returns as many bytes of answer; fails when the connection is cut. */
  public String exchange(String text) {
    send(text);
    return receive(text.length());
  }

  /** Sends {@code text}. */
  public void send(String text) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
      while (bytes.hasRemaining()) {
        channel.write(bytes); // a part, while another thread reads with a time-out
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot send", e);
    }
  }

  /** Reads up to {@code bytes}; fewer only when the other end has finished. */
  public String receive(int bytes) {
    try {
      byte[] answer = channel.socket().getInputStream().readNBytes(bytes);
      return new String(answer, StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot receive", e);
    }
  }

  /** Sends the end of the stream. */
  public void finish() {
    try {
      channel.shutdownOutput();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot finish", e);
    }
  }

  /** Whether the connection still carries bytes both ways to an echo server. */
  public boolean isAlive() {
    String probe = "alive?";
    try {
      return exchange(probe).equals(probe);
    } catch (UncheckedIOException e) {
      return false;
    }
  }

  /** Just before it was opened. */
  Instant begun() {
    return begun;
  }

  /** Its own end. */
  public InetSocketAddress local() {
    return (InetSocketAddress) channel.socket().getLocalSocketAddress();
  }

  /** How the connection ends when the application waits for that. */
  public Attempt.End end() {
    try {
      channel.socket().getInputStream().readAllBytes();
      return Attempt.End.FINISHED;
    } catch (IOException e) {
      return Attempt.end(e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close", e);
    }
  }
}
