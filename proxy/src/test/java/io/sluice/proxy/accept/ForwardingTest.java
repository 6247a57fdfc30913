package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.attack.Attack;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.Reporter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
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
        Peers.exchange(client, 1);
        var opened = fixture.sockets.opened.element();
        assertThat(opened.application().orElseThrow().client().getPort())
            .isEqualTo(client.getLocalPort());
      }
    }
  }

  @Test
  void anApplicationOnLoopbackAnswersForAnEndpointOfItsServiceWhereNobodyListens()
      throws Exception {
    InetAddress own = InetAddress.ofLiteral("127.0.0.9");
    try (var loopback = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      InetSocketAddress called = new InetSocketAddress(own, loopback.address().getPort());
      fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, called);
      var entry = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);

      fixture.proxy.publish(storeWith(own, List.of(new Endpoint(called, true))));
      try (Socket client = Peers.connect(entry)) {
        assertThat(echo(client, 1)).isEqualTo(1);
        assertThat(fixture.sockets.opened)
            .allSatisfy(each -> assertThat(each.application()).isPresent());
      }
      assertThat(fixture.recorder.onlyClosed().info().upstream()).contains(called);

      try (var atItsAddress =
              new Peers.Server(called, 0, socket -> socket.getOutputStream().write(2));
          Socket client = Peers.connect(entry)) {
        assertThat(client.getInputStream().read()).isEqualTo(2);
        assertThat(atItsAddress.accepted).as("goes before loopback").hasValue(1);
      }
    }
  }

  @Tag("attack")
  @Test
  void aServiceOfAnotherNamespaceLeadsToNothingOnLoopback() throws Exception {
    InetAddress own = InetAddress.ofLiteral("127.0.0.9");
    try (var loopback = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      InetSocketAddress called = new InetSocketAddress(own, loopback.address().getPort());
      fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, called);
      SnapshotEditor editor = storeWith(own, List.of()).edit();
      editor.put(
          new Service(
              new NamespacedName("thieves", "store"),
              List.of(),
              List.of(
                  new ServicePort(
                      "tcp", 80, AppProtocol.TCP, List.of(new Endpoint(called, true))))));
      fixture.proxy.publish(editor.snapshot(8));

      InetSocketAddress listener = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
      assertThatThrownBy(
              () -> {
                try (Socket client =
                    Peers.connect(listener)) { // the reset may come before it returns
                  client.getInputStream().read();
                }
              })
          .isInstanceOf(IOException.class);

      assertThat(fixture.recorder.onlyRefused().closeReason()).isEqualTo(Reason.UPSTREAM_REFUSED);
      assertThat(loopback.accepted).hasValue(0);
      Attack.tried("endpoints of another namespace's Service, to what a pod has on loopback")
          .refusedBy("the proxy: loopback is not tried")
          .countedAs("access record: " + Reason.UPSTREAM_REFUSED);
    }
  }

  private static MeshSnapshot storeWith(InetAddress own, List<Endpoint> endpoints) {
    return ProxyFixture.snapshot(true, false, List.of(own), List.of(), endpoints);
  }

  private static int echo(Socket client, int octet) throws IOException {
    client.getOutputStream().write(octet);
    return client.getInputStream().read();
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
