package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Connections to port 15008 that take up room and prove nothing, while an honest peer calls. */
@Timeout(60)
class SilentPeersTest {
  /** More than a pod's server has places for. */
  private static final int CONNECTIONS = 400;

  /** As long as a caller may be kept waiting, on a machine that does other things too. */
  private static final Duration HONEST_LIMIT = Duration.ofSeconds(5);

  /** First bytes of a TLS record with a ClientHello that does not come. */
  private static final byte[] BEGINNING = {22, 3, 1, 2, 0, 1};

  private static final Set<TlsReason> MISSING =
      EnumSet.of(
          TlsReason.GAVE_WAY, TlsReason.SILENT, TlsReason.TIMEOUT, TlsReason.CONNECTION_LOST);

  record Trick(String name, IntFunction<String> from, byte[] says) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Trick> tricks() {
    IntFunction<String> one = i -> "127.255.0.1";
    IntFunction<String> many = i -> "127.255." + i / 200 + "." + (1 + i % 200);
    IntFunction<String> known = i -> "127.0.0.1"; // the buyer's own
    return Stream.of(
        new Trick("silent, from one address", one, new byte[0]),
        new Trick("silent, each from an address of its own", many, new byte[0]),
        new Trick("silent, from the address of a workload", known, new byte[0]),
        new Trick("half a ClientHello, each from an address of its own", many, BEGINNING),
        new Trick("a ClientHello and no more, from one address", one, clientHello()),
        new Trick(
            "a ClientHello and no more, each from an address of its own", many, clientHello()));
  }

  private static byte[] clientHello() {
    try {
      SSLEngine engine = SSLContext.getDefault().createSSLEngine();
      engine.setUseClientMode(true);
      SSLParameters parameters = engine.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"h2"});
      engine.setSSLParameters(parameters);
      ByteBuffer out = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
      engine.wrap(ByteBuffer.allocate(0), out);
      return Arrays.copyOf(out.array(), out.position());
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Tag("attack")
  @ParameterizedTest
  @MethodSource("tricks")
  void anHonestPeerGetsThrough(Trick trick) throws Exception {
    try (var nodes = new TwoNodes(TlsStack.best(), Peers.ECHO);
        var attack = new Renewed(nodes.hbone(), trick)) {
      Await.until(
          "every place is taken, and taken again", () -> attack.made.get() >= 2 * CONNECTIONS);

      Await.until("an honest peer is served", HONEST_LIMIT, () -> calls(nodes.entry));

      assertThat(nodes.server.refusedHandshakes)
          .contains(TlsReason.GAVE_WAY)
          .allMatch(MISSING::contains);
    }
    Attack.tried(CONNECTIONS + " connections to port 15008, renewed without end: " + trick)
        .refusedBy("HboneServer: the oldest gives way, an honest peer is served at once")
        .countedAs("sluice_tls_handshakes_total{result=\"failure\",reason=\"gave_way\"}");
  }

  private static boolean calls(InetSocketAddress entry) {
    try (Socket socket = Peers.connect(entry)) {
      socket.getOutputStream().write('x');
      return socket.getInputStream().read() == 'x';
    } catch (IOException e) {
      return false; // and so it calls again, as callers do
    }
  }

  /** As many connections as there may be, each made anew as soon as it ends. */
  private static final class Renewed implements AutoCloseable {
    final AtomicInteger made = new AtomicInteger();
    private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();
    private volatile boolean over;

    Renewed(InetSocketAddress target, Trick trick) {
      for (int i = 0; i < CONNECTIONS; i++) {
        InetAddress from = InetAddress.ofLiteral(trick.from.apply(i));
        Thread.ofVirtual().start(() -> renew(from, target, trick.says));
      }
    }

    private void renew(InetAddress from, InetSocketAddress target, byte[] says) {
      while (!over) {
        try (Socket socket = new Socket()) {
          sockets.add(socket);
          socket.bind(new InetSocketAddress(from, 0));
          socket.connect(target, 5_000);
          made.incrementAndGet();
          socket.getOutputStream().write(says);
          socket.getInputStream().transferTo(OutputStream.nullOutputStream());
          sockets.remove(socket);
        } catch (IOException e) {
          // Reset: the next one follows, as fast as an attacker with one machine manages.
        }
        LockSupport.parkNanos(2_000_000);
      }
    }

    @Override
    public void close() throws IOException {
      over = true;
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }
}
