package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Endpoint;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BalancingTest {
  private static final InetSocketAddress STORE = new InetSocketAddress(ProxyFixture.STORE_VIP, 80);

  private static void publish(ProxyFixture fixture, Endpoint... endpoints) {
    fixture.proxy.publish(
        ProxyFixture.snapshot(true, true, List.of(), List.of(), List.of(endpoints)));
  }

  @Test
  void spreadsOpenConnectionsOverReadyEndpointsOfTheFamily() throws IOException {
    try (var one = Peers.echo(Peers.V4);
        var two = Peers.echo(Peers.V4);
        var unready = Peers.echo(Peers.V4);
        var other = Peers.echo(Peers.V6);
        var fixture = new ProxyFixture()) {
      publish(
          fixture,
          new Endpoint(one.address(), true),
          new Endpoint(unready.address(), false),
          new Endpoint(other.address(), true),
          new Endpoint(two.address(), true));
      var entry = fixture.outboundTo(STORE);
      List<Socket> clients = new ArrayList<>();

      for (int i = 0; i < 60; i++) {
        Socket client = Peers.connect(entry);
        client.getOutputStream().write(1);
        assertThat(client.getInputStream().read()).isEqualTo(1);
        clients.add(client);
      }

      assertThat(one.accepted.get()).isBetween(25, 35);
      assertThat(two.accepted.get()).isBetween(25, 35);
      assertThat(unready.accepted).hasValue(0);
      assertThat(other.accepted).hasValue(0);
      assertThat(fixture.recorder.opened.getFirst().service()).contains(ProxyFixture.STORE);
      assertThat(fixture.recorder.opened.getFirst().originalDestination()).contains(STORE);
      for (Socket client : clients) {
        client.close();
      }
    }
  }

  @Test
  void triesOneOtherEndpointWhenTheFirstDoesNotAnswer() throws IOException {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      publish(fixture, new Endpoint(Peers.unused(), true), new Endpoint(app.address(), true));
      var entry = fixture.outboundTo(STORE);

      for (int i = 0; i < 20; i++) {
        try (Socket client = Peers.connect(entry)) {
          client.getOutputStream().write(i);
          assertThat(client.getInputStream().read()).isEqualTo(i);
        }
      }

      assertThat(fixture.recorder.refused).isEmpty();
      assertThat(fixture.recorder.opened)
          .allSatisfy(info -> assertThat(info.upstream()).contains(app.address()));
    }
  }
}
