package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients that open a connection for each request share what the one before has left: ADR 48. */
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.kernel.Mechanism#tried")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeftConnectionTest {
  private static final int WEB_PORT = 9_001;
  private static final String GET = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
  private static final String POST = "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n";
  private static final String ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
    shop.forgetEndedConnections(mechanism);
    shop.change(() ->
        shop.site
            .registry()
            .write(
                "web",
                Manifests.service("web", "10.99.0.11", "fd99::11", Shop.SERVICE_PORT, WEB_PORT)
                    .replace("app: web", "app: store")
                    .replace("appProtocol: tcp", "appProtocol: http")));
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    shop.close();
  }

  private static InetSocketAddress web(Family family) {
    return new InetSocketAddress(
        IpAddresses.parse(family == Family.IPV4 ? "10.99.0.11" : "fd99::11"), Shop.SERVICE_PORT);
  }

  /** Answers every head that ends, and counts those who have gone in peace. */
  private static TcpServer.Conversation answering(AtomicInteger left) {
    return channel -> {
      StringBuilder asked = new StringBuilder();
      ByteBuffer buffer = ByteBuffer.allocate(4_096);
      while (channel.read(buffer) >= 0) {
        asked.append(StandardCharsets.US_ASCII.decode(buffer.flip()));
        buffer.clear();
        for (int end = asked.indexOf("\r\n\r\n"); end >= 0; end = asked.indexOf("\r\n\r\n")) {
          asked.delete(0, end + 4);
          answer(channel);
        }
      }
      left.incrementAndGet();
    };
  }

  private static void answer(SocketChannel channel) throws IOException {
    ByteBuffer answer = ByteBuffer.wrap(ANSWER.getBytes(StandardCharsets.US_ASCII));
    while (answer.hasRemaining()) {
      channel.write(answer);
    }
  }

  /** By a connection of its own, which is closed once the answer has come. */
  private void ask(Family family, String request) {
    try (Talk talk = Talk.begin(shop.buyer, web(family))) {
      talk.send(request);
      assertThat(talk.receive(ANSWER.length())).isEqualTo(ANSWER);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void clientsGoByWhatTheOneBeforeHasLeftUntilNobodyComes(Family family) {
    AtomicInteger asked = new AtomicInteger();
    AtomicInteger gone = new AtomicInteger();
    try (TcpServer server =
        TcpServer.open(shop.store, shop.store.at(family, WEB_PORT), answering(gone))) {
      Await.until(
          "one has gone by another's connection",
          () -> {
            asked.incrementAndGet();
            ask(family, GET);
            return server.accepted().size() < asked.get();
          });
      assertThat(server.accepted())
          .extracting(one -> one.peer().getAddress())
          .containsOnly(shop.buyer.address(family));

      int before = server.accepted().size();
      List.of(POST, POST, POST).forEach(request -> ask(family, request));
      assertThat(server.accepted()).as("what may not be sent twice").hasSize(before + 3);

      Await.until("all have ended in peace", () -> gone.get() == server.accepted().size());
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whereNothingIsGrantedAnyMoreNobodyGoesByIt(Family family) {
    AtomicInteger gone = new AtomicInteger();
    try (TcpServer server =
        TcpServer.open(shop.store, shop.store.at(family, WEB_PORT), answering(gone))) {
      for (int i = 0; i < 4; i++) {
        ask(family, GET);
      }
      shop.change(() -> shop.site.registry().remove("buyer-to-store"));
      try {
        int before = server.accepted().size();
        assertThat(Attempt.from(shop.buyer, web(family), GET).answered()).isFalse();
        assertThat(server.accepted()).hasSize(before);
        Await.until("all have ended in peace", () -> gone.get() == before);
      } finally {
        shop.change(() ->
            shop.site
                .registry()
                .write("buyer-to-store", Manifests.trafficTarget("buyer", "store", List.of())));
      }
      ask(family, GET);
    }
  }
}
