package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.sluice.proxy.Await;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.TlsStack;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A thousand streams of a mebibyte each way, over few connections. */
@Timeout(240)
class BulkTest {
  private static final int STREAMS = 1_000;
  private static final int AT_ONCE = 200;
  private static final int BYTES = 1 << 20;
  private static final int SEED_BYTES = 8;

  /** Tracking each of millions of buffers takes minutes; the fixture counts what is left anyway. */
  @BeforeEach
  void withSampledTracking() {
    LeakCounter.install();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
  }

  @AfterEach
  void withFullTracking() {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void losesNoByteWhicheverEndFinishesFirst(TlsStack stack) throws Exception {
    var wrong = new AtomicInteger();
    // The client names a seed; with an odd one the server sends all and finishes first.
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  byte[] seed = socket.getInputStream().readNBytes(SEED_BYTES);
                  long number = ByteBuffer.wrap(seed).getLong();
                  if (number % 2 != 0) {
                    socket.getOutputStream().write(payload(number + 1));
                    socket.shutdownOutput();
                  }
                  byte[] received = socket.getInputStream().readAllBytes();
                  if (!Arrays.equals(received, payload(number))) {
                    wrong.incrementAndGet();
                  }
                  if (number % 2 == 0) {
                    socket.getOutputStream().write(payload(number + 1));
                    socket.shutdownOutput();
                  }
                });
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address());
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var places = new Semaphore(AT_ONCE);
      var exact = new AtomicInteger();
      for (int i = 0; i < STREAMS; i++) {
        long seed = i;
        places.acquire();
        threads.submit(() -> {
          try (Socket client = Peers.connect(fixture.entry)) {
            client.setSoTimeout(120_000);
            client.getOutputStream().write(ByteBuffer.allocate(SEED_BYTES).putLong(seed).array());
            byte[] received;
            if (seed % 2 != 0) {
              received = client.getInputStream().readAllBytes();
              client.getOutputStream().write(payload(seed));
              client.shutdownOutput();
            } else {
              client.getOutputStream().write(payload(seed));
              client.shutdownOutput();
              received = client.getInputStream().readAllBytes();
            }
            if (Arrays.equals(received, payload(seed + 1))) {
              exact.incrementAndGet();
            }
            return seed;
          } finally {
            places.release();
          }
        });
      }
      places.acquire(AT_ONCE);

      assertThat(exact).hasValue(STREAMS);
      Await.until(
          "all ends told",
          () -> fixture.serverEnds.size() == STREAMS && fixture.clientEnds.size() == STREAMS);
      assertThat(wrong).hasValue(0);
      assertThat(fixture.clientEnds).hasSize(STREAMS).containsOnly(SocketTunnel.End.FINISHED);
      assertThat(fixture.serverEnds).containsOnly(SocketTunnel.End.FINISHED);
      assertThat(fixture.socketsMade.get()).isLessThanOrEqualTo(8);
    }
  }

  private static byte[] payload(long seed) {
    byte[] bytes = new byte[BYTES];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
