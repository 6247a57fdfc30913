package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.TestSettings;
import io.sluice.proxy.relay.ReadSizes;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated
@Timeout(120)
class BackPressureTest {
  private static final int TOTAL = 64 << 20;
  private static final int SMALL = 16_384;

  @Test
  void stalledUpstreamStopsTheClientAndLosesNothing() throws Exception {
    CountDownLatch read = new CountDownLatch(1);
    CompletableFuture<Long> got = new CompletableFuture<>();
    try (var app =
            new Peers.Server(
                Peers.V4,
                SMALL,
                socket -> {
                  await(read);
                  got.complete(socket.getInputStream().transferTo(OutputStream.nullOutputStream()));
                });
        var fixture = new ProxyFixture()) {
      fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, app.address());
      var entry = fixture.serve(ProxyFixture.BUYER, Direction.OUTBOUND, Peers.V4, SMALL);
      try (Socket client = Peers.connect(entry)) {
        AtomicLong written = new AtomicLong();
        Thread sender = Thread.ofVirtual().start(() -> send(client, written));

        long stuckAt = untilStuck(written);
        assertThat(stuckAt).isLessThan(TOTAL);
        assertThat(fixture.proxy.stats().bufferedBytes()).isBetween(1L, 65_536L);

        read.countDown();
        assertThat(got.get(60, TimeUnit.SECONDS)).isEqualTo(TOTAL);
        sender.join();
        assertThat(fixture.recorder.onlyClosed().bytesSent()).isEqualTo(TOTAL);
        assertThat(fixture.proxy.stats().bufferedBytes()).isZero();
      }
    }
  }

  @Test
  void stalledClientStopsTheUpstreamEvenAfterTheUpstreamHasFinished() throws Exception {
    AtomicLong written = new AtomicLong();
    try (var app = new Peers.Server(Peers.V4, socket -> send(socket, written));
        var fixture = new ProxyFixture();
        Socket client = new Socket()) {
      client.setReceiveBufferSize(SMALL);
      client.connect(fixture.outboundTo(app.address()), 5_000);
      client.shutdownOutput();

      long stuckAt = untilStuck(written);
      assertThat(stuckAt).isLessThan(TOTAL);
      assertThat(fixture.proxy.stats().bufferedBytes()).isBetween(1L, 65_536L);

      assertThat(client.getInputStream().transferTo(OutputStream.nullOutputStream()))
          .isEqualTo(TOTAL);
      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.FIN);
    }
  }

  /**
   * Both ends have finished, but what the client sent is still in our receive buffer: the end of
   * input behind it must neither be read ahead nor spin the event loop.
   */
  @Test
  void finishedButStalledConnectionCostsNoProcessorTime() throws Exception {
    CountDownLatch read = new CountDownLatch(1);
    CompletableFuture<Long> got = new CompletableFuture<>();
    int total = 90_000; // what is not read fits the first receive window of 64 KiB
    try (var app =
            new Peers.Server(
                Peers.V4,
                4_096,
                socket -> {
                  socket.shutdownOutput();
                  await(read);
                  got.complete(socket.getInputStream().transferTo(OutputStream.nullOutputStream()));
                });
        var fixture = new ProxyFixture()) {
      fixture.sockets.sendBufferBytes = 4_096;
      fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, app.address());
      var entry = fixture.serve(ProxyFixture.BUYER, Direction.OUTBOUND, Peers.V4, 1 << 20);
      try (Socket client = new Socket()) {
        client.setSendBufferSize(1 << 20);
        client.connect(entry, 5_000);
        assertThat(client.getInputStream().read()).isEqualTo(-1);
        client.getOutputStream().write(new byte[total]);
        client.shutdownOutput();
        Await.until("the proxy is stuck", () -> fixture.proxy.stats().bufferedBytes() > 0);
        untilAllHasArrived(client);

        long before = loopNanos();
        long until = System.nanoTime() + Duration.ofMillis(400).toNanos();
        Await.until("time has passed", () -> System.nanoTime() > until);

        assertThat(Duration.ofNanos(loopNanos() - before)).isLessThan(Duration.ofMillis(150));
        assertThat(fixture.proxy.stats().bufferedBytes()).isBetween(1L, 65_536L);
        read.countDown();
        assertThat(got.get(60, TimeUnit.SECONDS)).isEqualTo(total);
        assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.FIN);
      }
    }
  }

  /** The client's end is in FIN_WAIT2 (5) or TIME_WAIT (6) once its FIN was acknowledged. */
  private static void untilAllHasArrived(Socket client) {
    String ends =
        String.format("0100007F:%04X 0100007F:%04X ", client.getLocalPort(), client.getPort());
    Await.until(
        "the end of input has arrived",
        () -> {
          try (var lines = Files.lines(Path.of("/proc/self/net/tcp"))) {
            return lines
                .filter(line -> line.contains(ends))
                .map(line -> line.substring(line.indexOf(ends) + ends.length()))
                .allMatch(state -> state.startsWith("05") || state.startsWith("06"));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** 60 stalled downloads would hold up to 60 x 64 KiB; the limit leaves 2 KiB reads beyond it. */
  @Test
  void podOverItsBufferLimitReadsLittleButGoesOn() throws Exception {
    long limit = 256 * 1_024;
    var settings = TestSettings.but(it -> it.maxBufferedBytesPerPod = limit);
    int stalled = 60;
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  byte[] block = new byte[65_536];
                  for (int i = 0; i < 128 && socket.getInputStream().read() == 1; i++) {
                    socket.getOutputStream().write(block);
                  }
                });
        var fixture = new ProxyFixture(settings)) {
      var entry = fixture.outboundTo(app.address());
      List<Socket> clients = new ArrayList<>();
      for (int i = 0; i < stalled; i++) {
        Socket client = new Socket();
        client.setReceiveBufferSize(SMALL);
        client.connect(entry, 5_000);
        byte[] orders = new byte[128];
        Arrays.fill(orders, (byte) 1);
        client.getOutputStream().write(orders);
        clients.add(client);
      }
      Await.until("the limit is reached", () -> fixture.proxy.stats().bufferedBytes() >= limit);

      try (Socket reader = Peers.connect(entry)) {
        reader.getOutputStream().write(1);
        assertThat(reader.getInputStream().readNBytes(65_536)).hasSize(65_536);
      }
      assertThat(fixture.proxy.stats().bufferedBytes())
          .isLessThan(
              limit
                  + (long) ProxySettings.DEFAULTS.eventLoops()
                      * ProxySettings.DEFAULTS.maxReadBytes()
                  + (long) stalled * ReadSizes.BYTES_WHEN_FULL);
      for (Socket client : clients) {
        client.close();
      }
    }
  }

  private static long loopNanos() {
    var threads = ManagementFactory.getThreadMXBean();
    long sum = 0;
    for (var thread : threads.dumpAllThreads(false, false, 0)) {
      if (thread.getThreadName().startsWith("sluice-proxy")) {
        sum += Math.max(0, threads.getThreadCpuTime(thread.getThreadId()));
      }
    }
    return sum;
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new SocketException("interrupted");
    }
  }

  private static void send(Socket socket, AtomicLong written) {
    byte[] block = new byte[65_536];
    try {
      while (written.get() < TOTAL) {
        socket.getOutputStream().write(block);
        written.addAndGet(block.length);
      }
      socket.shutdownOutput();
    } catch (IOException e) {
      written.set(-1);
    }
  }

  /** Waits until nothing was written for 300 ms. */
  static long untilStuck(AtomicLong written) {
    return untilStuck(written, Duration.ofMillis(300));
  }

  /** The same where so long a pause may still be one of the kernel's between two probes. */
  static long untilStuck(AtomicLong written, Duration pause) {
    long[] last = {-1, System.nanoTime()};
    Await.until(
        "the sender is stuck",
        () -> {
          if (written.get() != last[0]) {
            last[0] = written.get();
            last[1] = System.nanoTime();
          }
          return last[0] > 0 && System.nanoTime() - last[1] > pause.toNanos();
        });
    return last[0];
  }
}
