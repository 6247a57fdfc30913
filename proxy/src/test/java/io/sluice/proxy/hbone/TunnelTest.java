package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.await.Await;
import io.sluice.proxy.Peers;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TlsStack;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** FIN, RST and bytes of a TCP connection on the other side of a tunnel. */
@Timeout(60)
class TunnelTest {
  private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void endOfInputPassesWhileTheOtherDirectionGoesOn(TlsStack stack) throws Exception {
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  byte[] all = socket.getInputStream().readAllBytes();
                  socket.getOutputStream().write(all);
                });
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address());
        Socket client = Peers.connect(fixture.entry)) {
      client.getOutputStream().write(HELLO);
      client.shutdownOutput();

      assertThat(client.getInputStream().readAllBytes()).isEqualTo(HELLO);
      assertEnds(fixture, HboneFixture.Ended.FINISHED, HboneFixture.Ended.FINISHED);
      assertThat(fixture.requests.element().destination()).isEqualTo(app.address());
      assertThat(fixture.requests.element().forwardedOrNull()).isEqualTo("for=127.0.0.1");
    }
  }

  private static void assertEnds(
      HboneFixture fixture, HboneFixture.Ended client, HboneFixture.Ended server) {
    Await.until("both ends told", () -> fixture.serverEnds.size() + fixture.clientEnds.size() == 2);
    assertThat(fixture.clientEnds).containsExactly(client);
    assertThat(fixture.serverEnds).containsExactly(server);
  }

  /** Each ends with an empty DATA frame, of which few are allowed otherwise. */
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void manyShortStreamsAreNoFlood(TlsStack stack) throws Exception {
    HboneSettings strict =
        HboneSettings.DEFAULTS.with(new HboneSettings.Limits(256, 16 * 1_024, 64, 1_000, 20));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, strict, app.address())) {
      for (int i = 0; i < 200; i++) {
        try (Socket client = Peers.connect(fixture.entry)) {
          client.getOutputStream().write(HELLO);
          client.shutdownOutput();

          assertThat(client.getInputStream().readAllBytes()).isEqualTo(HELLO);
        }
      }

      assertThat(fixture.failures).isEmpty();
      assertThat(fixture.clientEvents.opened).hasValue(1);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void serverMayEndFirst(TlsStack stack) throws Exception {
    var received = new CompletableFuture<byte[]>();
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  socket.getOutputStream().write(HELLO);
                  socket.shutdownOutput();
                  received.complete(socket.getInputStream().readAllBytes());
                });
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address());
        Socket client = Peers.connect(fixture.entry)) {
      assertThat(client.getInputStream().readAllBytes()).isEqualTo(HELLO);
      client.getOutputStream().write(HELLO);
      client.shutdownOutput();

      assertThat(received.get(10, TimeUnit.SECONDS)).isEqualTo(HELLO);
      Await.until(
          "both ends told", () -> fixture.serverEnds.size() + fixture.clientEnds.size() == 2);
      assertThat(fixture.clientEnds).containsExactly(HboneFixture.Ended.FINISHED);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void resetOfTheClientReachesTheApplication(TlsStack stack) throws Exception {
    var seen = new CompletableFuture<Exception>();
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  socket.getOutputStream().write(HELLO);
                  try {
                    socket.getInputStream().readAllBytes();
                    seen.complete(new IllegalStateException("an orderly end"));
                  } catch (SocketException e) {
                    seen.complete(e);
                  }
                });
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address());
        Socket client = Peers.connect(fixture.entry)) {
      assertThat(client.getInputStream().readNBytes(HELLO.length)).isEqualTo(HELLO);
      Peers.reset(client);

      assertThat(seen.get(10, TimeUnit.SECONDS)).hasMessageContaining("reset");
      assertEnds(
          fixture,
          new HboneFixture.Ended(true, ChannelEnd.RESET_BY_PEER),
          new HboneFixture.Ended(false, ChannelEnd.RESET_BY_PEER));
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void resetOfTheApplicationReachesTheClient(TlsStack stack) throws Exception {
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  socket.getInputStream().readNBytes(HELLO.length);
                  Peers.reset(socket);
                });
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address());
        Socket client = Peers.connect(fixture.entry)) {
      client.getOutputStream().write(HELLO);

      assertThatThrownBy(() -> client.getInputStream().readAllBytes())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
      assertEnds(
          fixture,
          new HboneFixture.Ended(false, ChannelEnd.RESET_BY_PEER),
          new HboneFixture.Ended(true, ChannelEnd.RESET_BY_PEER));
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void refusedUpstreamIsAnswered503AndResetsTheClient(TlsStack stack) throws Exception {
    try (var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, Peers.unused());
        Socket client = Peers.connect(fixture.entry)) {
      assertThatThrownBy(() -> client.getInputStream().readAllBytes())
          .isInstanceOf(SocketException.class);

      assertThat(fixture.failures)
          .singleElement()
          .extracting(OpenFailure::statusOrNull)
          .isEqualTo(HboneStatus.UPSTREAM_REFUSED);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void deniedRequestIsAnswered403(TlsStack stack) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      fixture.policy = exchange -> exchange.refuse(HboneStatus.DENIED);
      try (Socket client = Peers.connect(fixture.entry)) {
        assertThatThrownBy(() -> client.getInputStream().readAllBytes())
            .isInstanceOf(SocketException.class);
      }

      assertThat(fixture.failures)
          .singleElement()
          .extracting(OpenFailure::statusOrNull)
          .isEqualTo(HboneStatus.DENIED);
      assertThat(app.accepted).hasValue(0);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void slowReaderStopsTheSenderAndLosesNothing(TlsStack stack) throws Exception {
    var go = new CompletableFuture<Void>();
    var total = new CompletableFuture<Long>();
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  go.get();
                  total.complete((long) socket.getInputStream().readAllBytes().length);
                });
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address());
        Socket client = Peers.connect(fixture.entry)) {
      client.setSendBufferSize(64 * 1_024);
      var sent = new java.util.concurrent.atomic.AtomicLong();
      int bytes = 16 << 20;
      Thread sender =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  byte[] block = new byte[64 * 1_024];
                  while (sent.get() < bytes) {
                    client.getOutputStream().write(block);
                    sent.addAndGet(block.length);
                  }
                  client.shutdownOutput();
                } catch (java.io.IOException e) {
                  total.completeExceptionally(e);
                }
              });
      var last = new java.util.concurrent.atomic.AtomicLong(-1);
      Await.until(
          "the sender to stand still",
          java.time.Duration.ofSeconds(20),
          () -> {
            java.util.concurrent.locks.LockSupport.parkNanos(300_000_000);
            return last.getAndSet(sent.get()) == sent.get() && sent.get() > 0;
          });
      assertThat(sent.get()).isLessThan(bytes);

      go.complete(null);
      assertThat(total.get(40, TimeUnit.SECONDS)).isEqualTo(bytes);
      sender.join();
    }
  }
}
