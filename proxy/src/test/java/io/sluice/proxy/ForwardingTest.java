package io.sluice.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ForwardingTest {

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void echoesInBothFamilies(String literal) throws Exception {
    InetAddress address = InetAddress.ofLiteral(literal);
    try (var app = Peers.echo(address);
        var fixture = new ProxyFixture()) {
      fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, app.address());
      var entry = fixture.serve(ProxyFixture.BUYER, Direction.OUTBOUND, address);

      try (Socket client = Peers.connect(entry)) {
        client.getOutputStream().write("hello".getBytes(UTF_8));
        assertThat(client.getInputStream().readNBytes(5)).asString(UTF_8).isEqualTo("hello");
        client.shutdownOutput();
        assertThat(client.getInputStream().read()).isEqualTo(-1);
      }

      AccessRecord record = fixture.recorder.onlyClosed();
      assertThat(record.closeKind()).isEqualTo(CloseKind.FIN);
      assertThat(record.bytesSent()).isEqualTo(5);
      assertThat(record.bytesReceived()).isEqualTo(5);
      assertThat(record.info().reporter()).isEqualTo(Reporter.SOURCE);
      assertThat(record.info().upstream()).contains(app.address());
      assertThat(record.info().revision()).isEqualTo(7);
      assertThat(fixture.recorder.sent).hasValue(5);
      assertThat(fixture.recorder.opened).hasSize(1);
    }
  }

  @Test
  void inboundShowsTheTrueClientToTheSocketFactory() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      fixture.proxy.publish(
          ProxyFixture.snapshot(true, false, List.of(Peers.V4), List.of(), List.of()));
      fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, app.address());
      var entry = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);

      try (Socket client = Peers.connect(entry)) {
        client.getOutputStream().write(1);
        assertThat(client.getInputStream().read()).isEqualTo(1);
        var opened = fixture.sockets.opened.element();
        assertThat(opened.inbound()).isTrue();
        assertThat(opened.client().orElseThrow().getPort()).isEqualTo(client.getLocalPort());
      }
    }
  }

  @Test
  void upstreamMayGoOnSendingAfterTheClientHasFinished() throws Exception {
    byte[] answer = new byte[300_000];
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  byte[] request = socket.getInputStream().readAllBytes();
                  assertThat(request).hasSize(3);
                  socket.getOutputStream().write(answer);
                });
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      client.getOutputStream().write(new byte[3]);
      client.shutdownOutput();

      assertThat(client.getInputStream().readAllBytes()).hasSize(answer.length);
      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.FIN);
    }
  }

  @Test
  void clientMayGoOnSendingAfterTheUpstreamHasFinished() throws Exception {
    CompletableFuture<Integer> got = new CompletableFuture<>();
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  socket.getOutputStream().write(7);
                  socket.shutdownOutput();
                  got.complete(socket.getInputStream().readAllBytes().length);
                });
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      assertThat(client.getInputStream().readAllBytes()).hasSize(1);
      client.getOutputStream().write(new byte[300_000]);
      client.shutdownOutput();

      assertThat(got.get()).isEqualTo(300_000);
      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.FIN);
    }
  }

  @Test
  void greetingOfAServerFirstProtocolIsNotDelayed() throws Exception {
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  socket.getOutputStream().write("220 ready".getBytes(UTF_8));
                  assertThat(socket.getInputStream().read()).isEqualTo(-1);
                });
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      client.setSoTimeout(2_000);

      assertThat(client.getInputStream().readNBytes(9)).asString(UTF_8).isEqualTo("220 ready");
    }
  }
}
