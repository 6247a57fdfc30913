package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.await.Await;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ResetTest {
  private final CountDownLatch release = new CountDownLatch(1);
  private final CompletableFuture<String> seenByApp = new CompletableFuture<>();

  private void readUntilTheEnd(Socket socket) {
    try {
      while (socket.getInputStream().read(new byte[8_192]) >= 0) {}
      seenByApp.complete("end of input");
    } catch (IOException e) {
      seenByApp.complete("reset");
    }
  }

  private void await(Socket socket) throws IOException {
    try {
      assertThat(release.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    Peers.reset(socket);
  }

  @Test
  void resetByTheClientReachesTheUpstream() throws Exception {
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  socket.getOutputStream().write(1);
                  readUntilTheEnd(socket);
                });
        var fixture = new ProxyFixture()) {
      Socket client = Peers.connect(fixture.outboundTo(app.address()));
      assertThat(client.getInputStream().read()).isEqualTo(1);

      Peers.reset(client);

      assertThat(seenByApp.get(5, TimeUnit.SECONDS)).isEqualTo("reset");
      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.RESET_BY_CLIENT);
    }
  }

  @Test
  void resetByTheUpstreamReachesTheClient() throws Exception {
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  assertThat(socket.getInputStream().read()).isEqualTo(1);
                  Peers.reset(socket);
                });
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      client.getOutputStream().write(1);

      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.RESET_BY_UPSTREAM);
    }
  }

  @Test
  void resetByTheClientInTheMiddleOfAnUploadReachesAStalledUpstream() throws Exception {
    CountDownLatch wasReset = new CountDownLatch(1);
    try (var app =
            new Peers.Server(
                Peers.V4,
                4_096,
                socket -> {
                  try {
                    assertThat(wasReset.await(30, TimeUnit.SECONDS)).isTrue();
                  } catch (InterruptedException e) {
                    throw new IOException(e);
                  }
                  readUntilTheEnd(socket);
                });
        var fixture = new ProxyFixture()) {
      Socket client = Peers.connect(fixture.outboundTo(app.address()));
      Thread sender = Thread.ofVirtual().start(() -> sendForEver(client));
      Await.until("the proxy is stuck", () -> fixture.proxy.stats().bufferedBytes() > 0);

      Peers.reset(client);

      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.RESET_BY_CLIENT);
      wasReset.countDown();
      assertThat(seenByApp.get(5, TimeUnit.SECONDS)).isEqualTo("reset");
      sender.join();
    }
  }

  private static String sendForEver(Socket socket) {
    byte[] block = new byte[65_536];
    try {
      while (true) {
        socket.getOutputStream().write(block);
      }
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void resetByTheUpstreamInTheMiddleOfAnUploadReachesTheClient() throws Exception {
    CompletableFuture<String> failure = new CompletableFuture<>();
    try (var app = new Peers.Server(Peers.V4, 4_096, this::await);
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      Thread sender = Thread.ofVirtual().start(() -> failure.complete(sendForEver(client)));
      Await.until("the proxy is stuck", () -> fixture.proxy.stats().bufferedBytes() > 0);

      release.countDown();

      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.RESET_BY_UPSTREAM);
      sender.join();
      assertThat(failure.get()).contains("reset");
    }
  }

  @Test
  void resetByTheClientAfterItsEndOfInputReachesTheUpstream() throws Exception {
    CountDownLatch ended = new CountDownLatch(1);
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  assertThat(socket.getInputStream().read()).isEqualTo(-1);
                  ended.countDown();
                  try {
                    // Nothing is sent, so only the reset itself can be noticed: a write would tell
                    // only afterwards.
                    assertThat(release.await(30, TimeUnit.SECONDS)).isTrue();
                    socket.getOutputStream().write(1);
                    seenByApp.complete("written");
                  } catch (InterruptedException e) {
                    throw new IOException(e);
                  } catch (IOException e) {
                    seenByApp.complete("reset");
                  }
                });
        var fixture = new ProxyFixture()) {
      Socket client = Peers.connect(fixture.outboundTo(app.address()));
      client.shutdownOutput();
      assertThat(ended.await(5, TimeUnit.SECONDS)).isTrue();

      Peers.reset(client);

      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.RESET_BY_CLIENT);
      release.countDown();
      assertThat(seenByApp.get(5, TimeUnit.SECONDS)).isEqualTo("reset");
    }
  }

  @Test
  void clientThatResetsAtOnceLeavesNothingBehind() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      var entry = fixture.outboundTo(app.address());

      for (int i = 0; i < 200; i++) {
        Peers.reset(Peers.connect(entry));
      }

      Await.until(
          "200 records",
          () -> fixture.recorder.closed.size() + fixture.recorder.refused.size() == 200);
      assertThat(fixture.recorder.closed)
          .extracting(AccessRecord::closeKind)
          .doesNotContain(CloseKind.ERROR);
      assertThat(fixture.proxy.stats().live()).isZero();
    }
  }
}
