package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.TestSettings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RefusalTest {
  private static final Duration SOON = Duration.ofMillis(50);

  /** Connects, waits for the reset, and says how long all that took. */
  private static Duration untilReset(InetSocketAddress entry) {
    long start = System.nanoTime();
    try (Socket client = Peers.connect(entry)) {
      int read = client.getInputStream().read();
      throw new AssertionError("not reset but read " + read);
    } catch (SocketException e) {
      return Duration.ofNanos(System.nanoTime() - start);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void refusalByPolicyIsAnImmediateResetWithAReason() {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      var entry = fixture.outboundTo(app.address());
      untilReset(fixture.outboundTo(Peers.unused())); // loads what the first connection loads
      fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, app.address());
      fixture.recorder.onlyRefused();
      fixture.recorder.refused.clear();
      fixture.proxy.publish(
          ProxyFixture.snapshot(false, false, List.of(Peers.V4), List.of(), List.of()));

      Duration took = untilReset(entry);

      assertThat(took).isLessThan(AtLoad.limit(SOON));
      AccessRecord record = fixture.recorder.onlyRefused();
      assertThat(record.verdict().reason()).isEqualTo(Reason.NO_TRAFFIC_TARGET);
      assertThat(record.verdict().outcome()).isEqualTo(Outcome.REFUSED);
      assertThat(record.closeKind()).isEqualTo(CloseKind.REFUSED);
      assertThat(record.info().source()).contains(ProxyFixture.BUYER);
      assertThat(app.accepted).hasValue(0);
      assertThat(fixture.sockets.opened).hasSize(1);
    }
  }

  @Test
  void connectionWithoutOriginalDestinationIsReset() {
    try (var fixture = new ProxyFixture()) {
      untilReset(fixture.serve(ProxyFixture.BUYER, Direction.OUTBOUND, Peers.V4));

      assertThat(fixture.recorder.onlyRefused().closeReason())
          .isEqualTo(Reason.NO_ORIGINAL_DESTINATION);
    }
  }

  @Test
  void connectionOfAnotherNamespaceIsReset() {
    try (var fixture = new ProxyFixture()) {
      fixture.sockets.facts.put(
          new FakePodSockets.Key(ProxyFixture.BUYER, Direction.OUTBOUND),
          new AcceptedFacts(Peers.unused(), false));

      untilReset(fixture.serve(ProxyFixture.BUYER, Direction.OUTBOUND, Peers.V4));

      assertThat(fixture.recorder.onlyRefused().closeReason()).isEqualTo(Reason.WRONG_NAMESPACE);
    }
  }

  @Test
  void refusedByTheUpstreamIsReset() {
    try (var fixture = new ProxyFixture()) {
      untilReset(fixture.outboundTo(Peers.unused()));

      AccessRecord record = fixture.recorder.onlyRefused();
      assertThat(record.closeReason()).isEqualTo(Reason.UPSTREAM_REFUSED);
      assertThat(record.closeKind()).isEqualTo(CloseKind.CONNECT_FAILURE);
    }
  }

  @Test
  void unreachableUpstreamIsReset() {
    try (var fixture = new ProxyFixture()) {
      // Class E is no destination for Linux: the connect itself fails.
      untilReset(fixture.outboundTo(new InetSocketAddress("255.255.255.255", 80)));

      assertThat(fixture.recorder.onlyRefused().closeReason())
          .isEqualTo(Reason.UPSTREAM_UNREACHABLE);
    }
  }

  @Test
  void upstreamThatDoesNotAnswerInTimeIsReset() {
    var settings = TestSettings.but(it -> it.connectTimeout = Duration.ofMillis(100));
    try (var fixture = new ProxyFixture(settings)) {
      CompletableFuture<Integer> never = new CompletableFuture<>();
      fixture.sockets.opener = () -> never;
      fixture.sockets.usesOpener = true;

      Duration took = untilReset(fixture.outboundTo(Peers.unused()));

      assertThat(took).isBetween(Duration.ofMillis(90), AtLoad.limit(Duration.ofMillis(1_000)));
      assertThat(fixture.recorder.onlyRefused().closeReason()).isEqualTo(Reason.CONNECT_TIMEOUT);
    }
  }

  @Test
  void failureOfTheSocketFactoryIsReset() {
    try (var fixture = new ProxyFixture()) {
      fixture.sockets.opener =
          () -> CompletableFuture.failedFuture(new IllegalStateException("no such namespace"));
      fixture.sockets.usesOpener = true;

      untilReset(fixture.outboundTo(Peers.unused()));

      assertThat(fixture.recorder.onlyRefused().closeReason()).isEqualTo(Reason.INTERNAL_ERROR);
    }
  }

  @Test
  void moreConnectionsThanAPodMayHaveAreReset() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture(TestSettings.but(it -> it.maxConnectionsPerPod = 2))) {
      var entry = fixture.outboundTo(app.address());
      try (Socket first = Peers.connect(entry);
          Socket second = Peers.connect(entry)) {
        Await.until("two are open", () -> fixture.recorder.opened.size() == 2);

        untilReset(entry);

        assertThat(fixture.recorder.onlyRefused().closeReason()).isEqualTo(Reason.CONNECTION_LIMIT);
        Peers.exchange(second, 5);
        first.close();
        Await.until("one is closed", () -> fixture.recorder.closed.size() == 1);
        try (Socket third = Peers.connect(entry)) {
          Peers.exchange(third, 6);
        }
      }
    }
  }

  @Test
  void unknownPortOfAServiceIsReset() {
    try (var fixture = new ProxyFixture()) {
      untilReset(fixture.outboundTo(new InetSocketAddress(ProxyFixture.STORE_VIP, 81)));

      AccessRecord record = fixture.recorder.onlyRefused();
      assertThat(record.closeReason()).isEqualTo(Reason.UNKNOWN_SERVICE_PORT);
      assertThat(record.info().service()).contains(ProxyFixture.STORE);
    }
  }

  @Test
  void serviceWithoutReadyEndpointIsReset() {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      fixture.proxy.publish(
          ProxyFixture.snapshot(
              true, true, List.of(), List.of(), List.of(new Endpoint(app.address(), false))));

      untilReset(fixture.outboundTo(new InetSocketAddress(ProxyFixture.STORE_VIP, 80)));

      assertThat(fixture.recorder.onlyRefused().closeReason()).isEqualTo(Reason.NO_READY_ENDPOINT);
    }
  }
}
