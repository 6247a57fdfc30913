package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Prints what a connection costs and what a tunnel carries; only that it works is asserted. */
@Timeout(120)
class FootprintTest {
  private static final int CONNECTIONS = 200;
  private static final long BULK_BYTES = 512L << 20;
  private static final int BLOCK_BYTES = 64 * 1_024;

  /** Tracking every buffer would be most of what is measured. */
  @BeforeEach
  void withoutTracking() {
    LeakCounter.install();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
  }

  @AfterEach
  void withTracking() {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void printsMemoryOfIdleConnections(TlsStack stack) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      var pod = new AtomicInteger();
      fixture.pods = () -> new NamespacedName("shop", "buyer-" + pod.getAndIncrement());
      converse(fixture.entry, 20);
      long heapBefore = usedHeap();
      long residentBefore = residentKib();
      converse(fixture.entry, CONNECTIONS);
      long heap = usedHeap() - heapBefore;
      long resident = residentKib() - residentBefore;

      assertThat(fixture.connections()).isEqualTo(CONNECTIONS + 20);
      System.out.printf(
          "hbone %s: an idle connection, both ends: %.1f KiB of heap, %.1f KiB resident,"
              + " %.1f KiB of pooled buffers%n",
          stack,
          heap / 1_024.0 / CONNECTIONS,
          (double) resident / CONNECTIONS,
          fixture.pinnedBytes() / 1_024.0 / (CONNECTIONS + 20));
    }
  }

  private static void converse(InetSocketAddress entry, int times) throws IOException {
    for (int i = 0; i < times; i++) {
      try (Socket client = Peers.connect(entry)) {
        client.getOutputStream().write(1);
        client.shutdownOutput();
        assertThat(client.getInputStream().readAllBytes()).hasSize(1);
      }
    }
  }

  private static long usedHeap() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static long residentKib() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void printsThroughputBesidePlainTcp(TlsStack stack) throws Exception {
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  byte[] block = new byte[BLOCK_BYTES];
                  while (socket.getInputStream().read(block) >= 0) {
                    // Only taken.
                  }
                  socket.getOutputStream().write(1);
                });
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      push(fixture.entry);
      List<Double> ratios = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        double direct = push(app.address());
        ratios.add(push(fixture.entry) / direct);
      }

      assertThat(fixture.failures).isEmpty();
      System.out.printf(
          "hbone %s: one stream through both proxies carries %.2f of plain TCP (runs: %s)%n",
          stack, ratios.stream().sorted().skip(1).findFirst().orElseThrow(), ratios);
    }
  }

  /** Bytes per second. */
  private static double push(InetSocketAddress to) throws IOException {
    byte[] block = new byte[BLOCK_BYTES];
    long begin = System.nanoTime();
    try (Socket client = Peers.connect(to)) {
      OutputStream out = client.getOutputStream();
      for (long sent = 0; sent < BULK_BYTES; sent += BLOCK_BYTES) {
        out.write(block);
      }
      client.shutdownOutput();
      assertThat(client.getInputStream().read()).isEqualTo(1);
    }
    return BULK_BYTES / ((System.nanoTime() - begin) / 1e9);
  }
}
