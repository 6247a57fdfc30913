package io.sluice.linux.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixConnectionTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int MANY_BYTES = 1 << 20;

  @TempDir private Path directory;

  private static long deadline() {
    return System.nanoTime() + PATIENCE.toNanos();
  }

  @Test
  void passesAListenerThatOutlivesItsFirstOwner() {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (UnixListener listener = UnixListener.open(directory.resolve("s"), 4);
        UnixConnection giver = UnixConnection.to(directory.resolve("s"));
        UnixConnection taker = listener.accept().orElseThrow()) {
      int given = Sockets.listenTcp(loopback, 0, 4);
      InetSocketAddress address = Sockets.localAddress(given);
      long cookie = Sockets.socketCookie(given);

      giver.send(bytes("a listener"), given, deadline());
      Sockets.close(given);
      ByteBuffer into = ByteBuffer.allocate(64);
      taker.receive(into, deadline());
      int taken = taker.takeDescriptor().orElseThrow();

      assertThat(text(into)).isEqualTo("a listener");
      assertThat(taker.takeDescriptor()).isEmpty();
      assertThat(Sockets.socketCookie(taken)).isEqualTo(cookie);
      int client = Sockets.socket(2, Sockets.SOCK_STREAM, Sockets.IPPROTO_TCP);
      assertThat(Sockets.connect(client, address)).isTrue();
      Sockets.close(Sockets.accept(taken).orElseThrow());
      Sockets.close(client);
      Sockets.close(taken);
    }
  }

  @Test
  void eachDescriptorComesWithItsOwnBytes() {
    try (UnixListener listener = UnixListener.open(directory.resolve("s"), 4);
        UnixConnection giver = UnixConnection.to(directory.resolve("s"));
        UnixConnection taker = listener.accept().orElseThrow()) {
      int given = Sockets.listenTcp(InetAddress.getLoopbackAddress(), 0, 4);
      giver.send(bytes("one"), given, deadline());
      giver.send(bytes("two"), deadline());

      ByteBuffer into = ByteBuffer.allocate(64);
      taker.receive(into, deadline());
      assertThat(text(into)).isEqualTo("one");
      Sockets.close(taker.takeDescriptor().orElseThrow());
      Sockets.close(given);
    }
  }

  @Test
  void sendsMoreThanTheSocketHolds() {
    try (UnixListener listener = UnixListener.open(directory.resolve("s"), 4);
        UnixConnection giver = UnixConnection.to(directory.resolve("s"));
        UnixConnection taker = listener.accept().orElseThrow()) {
      int given = Sockets.listenTcp(InetAddress.getLoopbackAddress(), 0, 4);
      CompletableFuture<Void> sent =
          CompletableFuture.runAsync(
              () -> giver.send(ByteBuffer.wrap(new byte[MANY_BYTES]), given, deadline()));

      ByteBuffer into = ByteBuffer.allocate(MANY_BYTES);
      while (into.hasRemaining()) {
        taker.receive(into, deadline());
      }
      sent.join();
      Sockets.close(taker.takeDescriptor().orElseThrow());
      Sockets.close(given);
    }
  }

  @Test
  void nobodyThere() {
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> UnixConnection.to(directory.resolve("none")))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String text(ByteBuffer filled) {
    return StandardCharsets.UTF_8.decode(filled.flip()).toString();
  }
}
