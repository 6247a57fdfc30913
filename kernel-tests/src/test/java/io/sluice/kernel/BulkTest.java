package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Many connections at once with a mebibyte each way, and one with 64 MiB: no byte is lost, doubled
 * or mixed up.
 */
@Tag("kernel")
class BulkTest {
  private static final int CONNECTIONS = 100;
  private static final int MORE_CONNECTIONS = 1_000;
  private static final int BYTES_EACH_WAY = 1 << 20;
  private static final int CHUNK_BYTES = 16 * 1_024;
  private static final long LONG_TRANSFER_BYTES = 1L << (LongRun.ON ? 30 : 26);
  private static final int LONG_CHUNK_BYTES = 256 * 1_024;

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.lent(Mechanism.EBPF, "--fast-path", "false"); // whose bytes the kernel copies
  }

  /** How much came, and what it was. */
  private record Sum(long bytes, long checksum) {}

  @ParameterizedTest
  @EnumSource(Family.class)
  @Timeout(120)
  void manyConnectionsLoseNoByteWithHalfClose(Family family) throws Exception {
    exchange(family, CONNECTIONS);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Timeout(120)
  @Tag("long")
  void aThousandConnectionsLoseNoByteWithHalfClose(Family family) throws Exception {
    exchange(family, MORE_CONNECTIONS);
  }

  private static void exchange(Family family, int connections) throws Exception {
    List<SocketChannel> channels = new ArrayList<>();
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      connectAll(channels, connections, shop.service(family));
      assertThat(shop.view().status().path("connectionsLive").asInt())
          .as("an outbound and an inbound leg each, all at once")
          .isEqualTo(2 * connections);
      List<Callable<Sum>> senders = new ArrayList<>();
      List<Callable<Sum>> receivers = new ArrayList<>();
      for (int index = 0; index < connections; index++) {
        SocketChannel channel = channels.get(index);
        int seed = index;
        senders.add(() -> send(channel, seed, BYTES_EACH_WAY, CHUNK_BYTES));
        receivers.add(() -> receive(channel, CHUNK_BYTES));
      }
      List<Future<Sum>> received = receivers.stream().map(threads::submit).toList();
      List<Future<Sum>> sent = senders.stream().map(threads::submit).toList();

      for (int index = 0; index < connections; index++) {
        assertThat(received.get(index).get())
            .as("connection %s", index)
            .isEqualTo(sent.get(index).get());
        assertThat(sent.get(index).get().bytes()).isEqualTo(BYTES_EACH_WAY);
      }
      assertThat(server.accepted()).hasSize(connections);
    } finally {
      for (SocketChannel channel : channels) {
        channel.close();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Timeout(120)
  void whatIsSentEachWayAtOnceArrivesAsItWasSent(Family family) throws Exception {
    exchange(shop.buyer, shop.store, family, shop.service(family));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Timeout(120)
  @Tag("long")
  void byRulesItDoesToo(Family family) throws Exception {
    try (Shop rules = Shop.lent(Mechanism.IPTABLES)) {
      exchange(rules.buyer, rules.store, family, rules.service(family));
    }
  }

  /** From a node with programs to one with rules, by mutual TLS. */
  @Test
  @Timeout(240)
  @Tag("long")
  void betweenNodesItDoesToo() throws Exception {
    try (TwoNodes nodes = TwoNodes.openMixed()) {
      for (Family family : Family.values()) {
        exchange(nodes.buyer, nodes.store, family, nodes.store.at(family, Shop.STORE_PORT));
      }
      Await.untilPasses(
          Await.PATIENCE,
          () ->
              assertThat(nodes.servingView().accessLog())
                  .filteredOn(record -> record.path("direction").asText().equals("inbound"))
                  .extracting(record -> record.path("source_principal").asText())
                  .containsExactly(TwoNodes.identity(nodes.buyer), TwoNodes.identity(nodes.buyer)));
    }
  }

  /** Other bytes each way, at once: what is echoed could hide that both were mixed up. */
  private static void exchange(SitePod from, SitePod to, Family family, InetSocketAddress called)
      throws Exception {
    CompletableFuture<Sum> sentByServer = new CompletableFuture<>();
    CompletableFuture<Sum> cameToServer = new CompletableFuture<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        TcpServer server =
            TcpServer.open(
                to,
                to.at(family, Shop.STORE_PORT),
                channel -> {
                  threads.execute(() -> complete(sentByServer, () -> sendLong(channel, 2)));
                  complete(cameToServer, () -> receive(channel, LONG_CHUNK_BYTES));
                  sentByServer.join(); // the channel is closed when this ends
                });
        SocketChannel channel = from.call(() -> SocketChannel.open(called))) {
      Future<Sum> sent = threads.submit(() -> sendLong(channel, 1));

      Sum came = receive(channel, LONG_CHUNK_BYTES);

      assertThat(came).isEqualTo(sentByServer.get());
      assertThat(cameToServer.get()).isEqualTo(sent.get());
      assertThat(came.bytes()).isEqualTo(sent.get().bytes()).isEqualTo(LONG_TRANSFER_BYTES);
      assertThat(came.checksum()).isNotEqualTo(sent.get().checksum());
      assertThat(server.accepted()).hasSize(1);
    }
  }

  private static Sum sendLong(SocketChannel channel, int seed) throws IOException {
    return send(channel, seed, LONG_TRANSFER_BYTES, LONG_CHUNK_BYTES);
  }

  private static void complete(CompletableFuture<Sum> future, Callable<Sum> task) {
    try {
      future.complete(task.call());
    } catch (Exception e) {
      future.completeExceptionally(e);
    }
  }

  private static void connectAll(
      List<SocketChannel> channels, int connections, InetSocketAddress destination) {
    shop.buyer.call(() -> {
      for (int index = 0; index < connections; index++) {
        SocketChannel channel = SocketChannel.open(Family.of(destination.getAddress()).protocol());
        channels.add(channel);
        channel.connect(destination);
      }
      return channels.size();
    });
    // One byte there and back: then the whole path stands, not only its first leg.
    for (SocketChannel channel : channels) {
      try {
        channel.write(ByteBuffer.wrap(new byte[] {1}));
        assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(1);
      } catch (IOException e) {
        throw new AssertionError("connection " + channels.indexOf(channel), e);
      }
    }
  }

  private static Sum send(SocketChannel channel, int seed, long all, int chunkBytes)
      throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    CRC32C checksum = new CRC32C();
    byte[] chunk = new byte[chunkBytes];
    long bytes = 0;
    while (bytes < all) {
      random.nextBytes(chunk);
      checksum.update(chunk, 0, chunk.length);
      ByteBuffer buffer = ByteBuffer.wrap(chunk);
      while (buffer.hasRemaining()) {
        bytes += channel.write(buffer);
      }
    }
    channel.shutdownOutput();
    return new Sum(bytes, checksum.getValue());
  }

  private static Sum receive(SocketChannel channel, int chunkBytes) throws IOException {
    CRC32C checksum = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocate(chunkBytes);
    long bytes = 0;
    for (int got = channel.read(buffer); got >= 0; got = channel.read(buffer)) {
      bytes += got;
      checksum.update(buffer.flip());
      buffer.clear();
    }
    return new Sum(bytes, checksum.getValue());
  }
}
