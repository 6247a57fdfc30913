package io.sluice.proxy.accept;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.await.Await;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.Peers;
import io.sluice.proxy.PodListeners;
import io.sluice.proxy.ReleaseMode;
import io.sluice.proxy.TestSettings;
import io.sluice.proxy.relay.KeepAlive;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated
@Timeout(60)
class LifecycleTest {
  @Test
  void aPathCheckIsClosedAtOnceAndLeavesNoTrace() throws IOException {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture();
        var client = new Socket()) {
      InetSocketAddress entry = fixture.outboundTo(app.address());
      client.bind(new InetSocketAddress(Peers.V4, 0));
      fixture.sockets.pathCheckFrom = (InetSocketAddress) client.getLocalSocketAddress();

      client.connect(entry);

      assertThat(client.getInputStream().read()).isEqualTo(-1);
      assertThat(fixture.proxy.stats().accepted()).isZero();
      assertThat(fixture.proxy.stats().live()).isZero();
      assertThat(fixture.recorder.refused).isEmpty();
      assertThat(fixture.sockets.opened).isEmpty();
      assertThat(app.accepted).hasValue(0);
    }
  }

  @Test
  void fewConnectionsStayWithOneLoopAndManyAreSpread() throws IOException {
    List<Socket> calls = new ArrayList<>();
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture(TestSettings.but(it -> it.eventLoops = 2))) {
      InetSocketAddress entry = fixture.outboundTo(app.address());
      for (int i = 0; i < Acceptor.MOST_AHEAD; i++) {
        calls.add(Peers.connect(entry));
        Peers.exchange(calls.getLast(), 7);
      }
      assertThat(byLoop(fixture)).containsExactly(0, Acceptor.MOST_AHEAD);
      for (int i = 0; i < 30; i++) {
        calls.add(Peers.connect(entry));
        Peers.exchange(calls.getLast(), 7);
      }
      List<Integer> spread = byLoop(fixture);
      assertThat(spread.getLast() - spread.getFirst()).isLessThanOrEqualTo(Acceptor.MOST_AHEAD);
    } finally {
      for (Socket call : calls) {
        call.close();
      }
    }
  }

  @Test
  void podsWithAConnectionEachUseAllLoops() throws IOException {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture(TestSettings.but(it -> it.eventLoops = 2));
        Socket first = Peers.connect(fixture.outboundTo(app.address()))) {
      fixture.sockets.redirect(ProxyFixture.STORE, Direction.OUTBOUND, app.address());
      try (Socket second =
          Peers.connect(fixture.serve(ProxyFixture.STORE, Direction.OUTBOUND, Peers.V4))) {
        Peers.exchange(first, 7);
        Peers.exchange(second, 7);
        assertThat(byLoop(fixture)).containsExactly(1, 1);
      }
    }
  }

  private static List<Integer> byLoop(ProxyFixture fixture) {
    return fixture.proxy.loops.stream()
        .map(loop ->
            fixture.proxy.pods.values().stream()
                .mapToInt(served -> served.pod.outbound.get(loop.index))
                .sum())
        .sorted()
        .toList();
  }

  private static int listenersOf(ProxyFixture fixture) {
    return requireNonNull(fixture.proxy.stats().pods().get(ProxyFixture.BUYER)).listeners();
  }

  @Test
  void askingForStatisticsForgetsNoPodThatIsBeingServed() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      Thread scraper =
          Thread.ofPlatform()
              .start(() -> {
                while (!stop.get()) {
                  fixture.proxy.stats();
                }
              });
      try {
        for (int i = 0; i < 2_000; i++) {
          fixture.outboundTo(app.address());
          assertThat(listenersOf(fixture)).isEqualTo(1);
          fixture
              .proxy
              .release(ProxyFixture.BUYER, ReleaseMode.RESET_ESTABLISHED)
              .get(20, TimeUnit.SECONDS);
        }
      } finally {
        stop.set(true);
        scraper.join();
      }
    }
  }

  @Test
  void replacingListenersUnderLoadFailsNothing() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      AtomicReference<InetSocketAddress> entry =
          new AtomicReference<>(fixture.outboundTo(app.address()));
      AtomicBoolean stop = new AtomicBoolean();
      AtomicInteger done = new AtomicInteger();
      List<CompletableFuture<Void>> load = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        load.add(
            CompletableFuture.runAsync(
                () -> {
                  while (!stop.get()) {
                    try (Socket client = Peers.connect(requireNonNull(entry.get()))) {
                      Peers.exchange(client, 9);
                      done.incrementAndGet();
                    } catch (IOException e) {
                      throw new IllegalStateException(e);
                    }
                  }
                },
                task -> Thread.ofVirtual().start(task)));
      }

      for (int i = 0; i < 20; i++) {
        int before = done.get();
        Await.until("progress", () -> done.get() > before + 20 || load.getFirst().isDone());
        entry.set(fixture.outboundTo(app.address()));
      }
      stop.set(true);

      CompletableFuture.allOf(load.toArray(CompletableFuture[]::new)).get(20, TimeUnit.SECONDS);
      assertThat(done.get()).isGreaterThan(400);
      assertThat(fixture.recorder.refused).isEmpty();
      Await.until("old listeners closed", () -> listenersOf(fixture) == 1);
      try (Socket client = Peers.connect(requireNonNull(entry.get()))) {
        Peers.exchange(client, 9);
      }
    }
  }

  @Test
  void listenersThatCannotBeUsedAreClosedAndTheEarlierOnesStay() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      var entry = fixture.outboundTo(app.address());
      int usable = LinuxSocket.newSocketStream(false).intValue();
      int noSocket = FileDescriptor.from("/dev/null").intValue();

      var served =
          fixture.proxy.serve(
              new PodListeners(
                  ProxyFixture.BUYER,
                  List.of(
                      new ListenerFd(usable, Direction.OUTBOUND),
                      new ListenerFd(noSocket, Direction.INBOUND))));

      assertThat(served).isCompletedExceptionally();
      assertThat(Path.of("/proc/self/fd", "" + usable)).doesNotExist();
      assertThat(Path.of("/proc/self/fd", "" + noSocket)).doesNotExist();
      try (Socket client = Peers.connect(entry)) {
        Peers.exchange(client, 9);
      }
    }
  }

  @Test
  void leavesNoDescriptorBehind() throws Exception {
    try (var app = Peers.echo(Peers.V4)) {
      long before = 0;
      for (int round = 0; round < 2; round++) { // the first one loads what stays open
        before = round == 0 ? 0 : openDescriptors();
        try (var fixture = new ProxyFixture()) {
          var entry = fixture.outboundTo(app.address());
          for (int i = 0; i < 50; i++) {
            try (Socket client = Peers.connect(entry)) {
              Peers.exchange(client, 9);
            }
            Peers.reset(Peers.connect(entry));
          }
          fixture.proxy.publish(MeshSnapshot.EMPTY);
          for (int i = 0; i < 50; i++) {
            assertThat(isRefused(entry)).isTrue();
          }
        }
      }

      long expected = before;
      Await.until("as many descriptors as before", () -> openDescriptors() <= expected);
    }
  }

  private static long openDescriptors() {
    try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whoHasLeftTheMeshFinishesWhatIsOpen() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      Peers.exchange(client, 9);

      fixture.proxy.publish(MeshSnapshot.EMPTY);

      Peers.exchange(client, 9);
    }
  }

  @Test
  void releaseCanKeepEstablishedConnections() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      var entry = fixture.outboundTo(app.address());
      try (Socket client = Peers.connect(entry)) {
        Peers.exchange(client, 9);

        fixture.proxy.release(ProxyFixture.BUYER, ReleaseMode.KEEP_ESTABLISHED).join();

        assertThatThrownBy(() -> Peers.connect(entry)).isInstanceOf(IOException.class);
        Peers.exchange(client, 9);
        assertThat(fixture.proxy.stats().pods()).containsKey(ProxyFixture.BUYER);
      }
      Await.until("the pod is forgotten", () -> fixture.proxy.stats().pods().isEmpty());
    }
  }

  @Test
  void releaseCanResetEstablishedConnections() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      Peers.exchange(client, 9);

      fixture.proxy.release(ProxyFixture.BUYER, ReleaseMode.RESET_ESTABLISHED).join();

      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.DRAIN);
      assertThat(fixture.proxy.stats().pods()).isEmpty();
    }
  }

  @Test
  void drainWaitsForLiveConnectionsAndServesNothingNew() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      var entry = fixture.outboundTo(app.address());
      Socket client = Peers.connect(entry);
      Peers.exchange(client, 9);

      CompletableFuture<Void> drained = fixture.proxy.drain(Duration.ofSeconds(20));

      Await.until("no listener", () -> listenersOf(fixture) == 0);
      assertThat(isRefused(entry)).isTrue();
      Peers.exchange(client, 9);
      assertThat(drained).isNotDone();
      assertThatThrownBy(() -> fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4))
          .isInstanceOf(CompletionException.class);
      client.close();
      drained.get(5, TimeUnit.SECONDS);
      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.FIN);
    }
  }

  private static boolean isRefused(InetSocketAddress entry) {
    try (Socket socket = Peers.connect(entry)) {
      return socket.getInputStream().read() == -1;
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void drainResetsWhatIsLeftWhenTimeIsOver() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      Peers.exchange(client, 9);

      fixture.proxy.drain(Duration.ofMillis(100)).get(5, TimeUnit.SECONDS);

      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
      assertThat(fixture.recorder.onlyClosed().closeReason()).isEqualTo(Reason.DRAINING);
    }
  }

  @Test
  void idleConnectionLivesForDaysUnlessItsPodHasATimeout() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture();
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      Peers.exchange(client, 9);
      fixture.proxy.tick(System.nanoTime());

      fixture.proxy.tick(System.nanoTime() + Duration.ofDays(29).toNanos());
      Peers.exchange(client, 9);

      Duration timeout = Duration.ofSeconds(1);
      long start = System.nanoTime();
      fixture.proxy.publish(
          ProxyFixture.permissive(
              new ConnectionSettings(
                  timeout, SameNodeMtls.DISABLED, LocalProxyMode.LOCALHOST, true)));
      Peers.exchange(client, 9);
      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);

      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(timeout, timeout.multipliedBy(10));
      AccessRecord record = fixture.recorder.onlyClosed();
      assertThat(record.closeKind()).isEqualTo(CloseKind.IDLE);
      assertThat(record.closeReason()).isEqualTo(Reason.IDLE_TIMEOUT);
    }
  }

  /** Its kernel forgets a socket that it has closed after a second, and is never asked again. */
  @Test
  void aClientThatIsGoneIsFoundThoughNobodySpeaks() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    KeepAlive eager = new KeepAlive(Duration.ofSeconds(1), Duration.ofSeconds(1), 2);
    var settings = TestSettings.but(it -> it.keepAlive = eager);
    try (var app =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  assertThat(socket.getInputStream().read()).isEqualTo(-1);
                  assertThat(end.await(30, TimeUnit.SECONDS)).isTrue();
                });
        var fixture = new ProxyFixture(settings)) {
      InetSocketAddress entry = fixture.outboundTo(app.address());
      LinuxSocket client = LinuxSocket.newSocketStream(false);
      client.setIntOpt(6, 8, 1); // IPPROTO_TCP, TCP_LINGER2
      client.connect(entry); // which goes on by itself
      Await.until("it is open", () -> !fixture.recorder.opened.isEmpty());
      client.close();

      assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.RESET_BY_CLIENT);
      end.countDown();
    }
  }

  @Test
  void bytesOfALongLivedConnectionAreReportedWhileItLives() throws Exception {
    var settings =
        TestSettings.but(it -> {
          it.eventLoops = 1;
          it.reportInterval = Duration.ofMillis(100);
        });
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture(settings);
        Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
      Peers.exchange(client, 9);

      Await.until("reported", Duration.ofSeconds(2), () -> fixture.recorder.received.get() == 1);
      assertThat(fixture.recorder.sent).hasValue(1);
      assertThat(fixture.recorder.closed).isEmpty();
    }
  }
}
