package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.sluice.await.Await;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.TlsStack;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Hundreds of streams of a mebibyte each way, over few connections; a thousand in the long run. */
@Isolated
@Timeout(240)
class BulkTest {
  private static final int STREAMS = 60;
  private static final int MORE_STREAMS = 1_000;
  private static final int AT_ONCE = 200;
  private static final int BYTES = 1 << 20;
  private static final int SEED_BYTES = 8;
  private static final byte[] NOISE = new byte[BYTES + MORE_STREAMS + 1];

  static {
    new Random(7).nextBytes(NOISE);
  }

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
    exchange(stack, STREAMS);
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  @Tag("long")
  void losesNoByteOfAThousandStreams(TlsStack stack) throws Exception {
    exchange(stack, MORE_STREAMS);
  }

  private static void exchange(TlsStack stack, int streams) throws Exception {
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
      for (int i = 0; i < streams; i++) {
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

      assertThat(exact).hasValue(streams);
      Await.until(
          "all ends told",
          () -> fixture.serverEnds.size() == streams && fixture.clientEnds.size() == streams);
      assertThat(wrong).hasValue(0);
      assertThat(fixture.clientEnds).hasSize(streams).containsOnly(HboneFixture.Ended.FINISHED);
      assertThat(fixture.serverEnds).containsOnly(HboneFixture.Ended.FINISHED);
      assertThat(fixture.socketsMade.get()).isLessThanOrEqualTo(8);
    }
  }

  /** A part of the noise, another for each seed. */
  private static byte[] payload(long seed) {
    return Arrays.copyOfRange(NOISE, (int) seed, (int) seed + BYTES);
  }

  /** Those with little to send are held up by the connection's limit and never by their own. */
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void everyStreamGoesOnWhenTheConnectionDoes(TlsStack stack) throws Exception {
    int greedy = 40;
    int modest = 20;
    byte[] much = new byte[1 << 20];
    byte[] little = new byte[200_000];
    HboneSettings wide =
        HboneSettings.DEFAULTS.with(new HboneSettings.Flow(512 * 1_024, 64 << 20, 64 * 1_024));
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  int length = socket.getInputStream().readAllBytes().length;
                  socket
                      .getOutputStream()
                      .write(ByteBuffer.allocate(Integer.BYTES).putInt(length).array());
                  socket.shutdownOutput();
                });
        var fixture = new HboneFixture(stack, wide, app.address());
        var wire = new Wire(fixture.exit);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      fixture.gateway = wire.address();
      List<Socket> clients = new ArrayList<>();
      for (int i = 0; i < greedy + modest; i++) {
        clients.add(Peers.connect(fixture.entry));
      }
      Await.until("all streams", () -> fixture.requests.size() == clients.size());
      wire.stall();
      var written = new AtomicInteger();
      List<Future<Integer>> counts = new ArrayList<>();
      for (Socket client : clients.subList(0, greedy)) {
        counts.add(threads.submit(() -> counted(client, much, written)));
      }
      var seen = new AtomicInteger(-1);
      var still = new AtomicInteger();
      Await.until(
          "nothing more is taken",
          () ->
              (written.get() == seen.getAndSet(written.get())
                      ? still.incrementAndGet()
                      : still.updateAndGet(none -> 0))
                  > 50);
      for (Socket client : clients.subList(greedy, clients.size())) {
        counts.add(threads.submit(() -> counted(client, little, new AtomicInteger())));
      }
      wire.resume();

      for (int i = 0; i < counts.size(); i++) {
        int expected = i < greedy ? much.length : little.length;
        assertThat(counts.get(i).get(20, TimeUnit.SECONDS)).isEqualTo(expected);
      }
    }
  }

  private static int counted(Socket client, byte[] bytes, AtomicInteger written) throws Exception {
    try (client) {
      for (int at = 0; at < bytes.length; at += 1_000) {
        int length = Math.min(1_000, bytes.length - at);
        client.getOutputStream().write(bytes, at, length);
        written.addAndGet(length);
      }
      client.shutdownOutput();
      return ByteBuffer.wrap(client.getInputStream().readAllBytes()).getInt();
    }
  }
}
