package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.SettingsDraft;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.proxy.Peers;
import io.sluice.proxy.TestSettings;
import io.sluice.proxy.admission.Remembered;
import io.sluice.proxy.admission.ServicePools;
import io.sluice.proxy.http2.RawClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class BalancingTest {
  private static final InetSocketAddress STORE = new InetSocketAddress(ProxyFixture.STORE_VIP, 80);

  private static final int BOUNDED = 100;

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
        Peers.exchange(client, 1);
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
          Peers.exchange(client, i);
        }
      }

      assertThat(fixture.recorder.refused).isEmpty();
      assertThat(fixture.recorder.opened)
          .allSatisfy(info -> assertThat(info.upstream()).contains(app.address()));
    }
  }

  @Test
  void connectionsOfOneClientAddressStayTogetherWhereTheServiceAsksForIt() throws IOException {
    try (var one = Peers.echo(Peers.V4);
        var two = Peers.echo(Peers.V4);
        var three = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      List<Peers.Server> apps = List.of(one, two, three);
      publishWithAffinity(fixture, apps.stream().map(Peers.Server::address).toList());
      var entry = fixture.outboundTo(STORE);
      Map<InetAddress, Peers.Server> chosen = new HashMap<>();

      for (int i = 0; i < 90; i++) {
        InetAddress client = InetAddress.ofLiteral("127.0.0." + (2 + i % 30));
        Peers.Server app = reachedFrom(client, entry, apps);

        assertThat(chosen.merge(client, app, (before, _) -> before)).isSameAs(app);
      }

      assertThat(chosen.values()).as("not all clients have the same").contains(one, two, three);
    }
  }

  /** Seven clients have five endpoints, so that two of them have one where nothing bounds it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 125})
  void noEndpointHasMoreConnectionsOfClientsThanTheBoundOfTheirMean(int mostPercent)
      throws IOException {
    List<Peers.Server> apps = Stream.generate(() -> Peers.echo(Peers.V4)).limit(5).toList();
    List<Socket> clients = new ArrayList<>();
    try (var fixture = new ProxyFixture(TestSettings.but(settings -> settings.eventLoops = 1))) {
      publishWithAffinity(
          fixture,
          new SessionAffinity(true, mostPercent),
          apps.stream().map(Peers.Server::address).toList());
      var entry = fixture.outboundTo(STORE);
      int most = 0;
      for (int i = 1; i <= BOUNDED; i++) {
        InetAddress client = InetAddress.ofLiteral("127.0.0." + (2 + i % 7));
        clients.add(new Socket(entry.getAddress(), entry.getPort(), client, 0));
        Peers.exchange(clients.getLast(), 1);
        most = apps.stream().mapToInt(app -> app.accepted.get()).max().orElseThrow();
        if (mostPercent > 0) {
          assertThat(most).isLessThanOrEqualTo((int) Math.ceil(i / 5.0 * mostPercent / 100));
        }
      }
      if (mostPercent == 0) {
        assertThat(most).isGreaterThan(BOUNDED / 5 * 125 / 100);
      }
    } finally {
      for (Socket client : clients) {
        client.close();
      }
      apps.forEach(Peers.Server::close);
    }
  }

  @Test
  void clientWhoseEndpointDoesNotAnswerHasAnotherOneForAll() throws IOException {
    try (var one = Peers.echo(Peers.V4);
        var two = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      List<Peers.Server> apps = List.of(one, two);
      publishWithAffinity(fixture, List.of(Peers.unused(), one.address(), two.address()));
      var entry = fixture.outboundTo(STORE);
      Map<InetAddress, Peers.Server> chosen = new HashMap<>();

      for (int i = 0; i < 60; i++) {
        InetAddress client = InetAddress.ofLiteral("127.0.0." + (2 + i % 20));
        Peers.Server app = reachedFrom(client, entry, apps);

        assertThat(chosen.merge(client, app, (before, _) -> before)).isSameAs(app);
      }

      assertThat(fixture.recorder.refused).isEmpty();
    }
  }

  /** Whoever is asked first does not answer that, so its connection never rests. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void requestsGoByTheOneConnectionThatThereMayBe(boolean atOnce) throws IOException {
    AtomicBoolean begun = new AtomicBoolean();
    Peers.Conversation app =
        socket -> HttpFixture.answerStreams(socket, _ -> begun.getAndSet(true));
    try (var one = new Peers.Server(Peers.V4, app);
        var two = new Peers.Server(Peers.V4, app);
        var fixture = new ProxyFixture()) {
      List<Endpoint> endpoints =
          Stream.of(one, two).map(each -> new Endpoint(each.address(), true)).toList();
      SnapshotEditor editor = ProxyFixture.permissive().edit();
      editor.put(
          new Service(
              ProxyFixture.STORE,
              List.of(ProxyFixture.STORE_VIP),
              List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints))));
      int any = UpstreamSetting.UNLIMITED;
      editor.put(
          new UpstreamSetting(
              ProxyFixture.STORE,
              new NamespacedName("shop", "limits"),
              new Pool(1, Duration.ofSeconds(5), any, any, any, any),
              null,
              Limits.NONE));
      fixture.publish(editor.snapshot(9));
      try (RawClient client = new RawClient(fixture.outboundTo(STORE))) {
        client.settle();
        client.flood(HttpFixture.frames(1));
        if (!atOnce) {
          Await.until("it is asked", begun::get);
        }
        for (int stream = 3; stream < 43; stream += 2) {
          client.flood(HttpFixture.frames(stream));
        }

        Set<Integer> answered = new HashSet<>();
        while (answered.size() < 20) {
          answered.add(client.next(RawClient.HEADERS).stream());
        }
        assertThat(one.accepted.get() + two.accepted.get()).isEqualTo(1);
      }
    }
  }

  /** Of 400 requests by chance 200 are for each, and less than 140 for one once in a lifetime. */
  @Test
  void whatWaitsForAnEndpointThatIsReachedLateStaysWithIt() throws IOException {
    AtomicInteger atOnce = new AtomicInteger();
    AtomicInteger late = new AtomicInteger();
    Peers.Conversation quick =
        socket -> HttpFixture.answerStreams(socket, _ -> atOnce.incrementAndGet() > 0);
    List<Socket> before = new ArrayList<>();
    List<RawClient> clients = new ArrayList<>();
    try (var one = new Peers.Server(Peers.V4, quick);
        var listener = new ServerSocket(0, 1, Peers.V4);
        var fixture =
            new ProxyFixture(
                TestSettings.but(settings -> settings.connectTimeout = Duration.ofSeconds(40)))) {
      var slow = (InetSocketAddress) listener.getLocalSocketAddress();
      fillBacklog(slow, before);
      SnapshotEditor editor = ProxyFixture.permissive().edit();
      editor.put(
          new Service(
              ProxyFixture.STORE,
              List.of(ProxyFixture.STORE_VIP),
              List.of(
                  new ServicePort(
                      "http",
                      80,
                      AppProtocol.HTTP,
                      List.of(new Endpoint(one.address(), true), new Endpoint(slow, true))))));
      fixture.publish(editor.snapshot(9));
      for (int i = 0; i < 5; i++) {
        RawClient client = new RawClient(fixture.outboundTo(STORE));
        clients.add(client);
        client.settle();
        for (int stream = 1; stream < 160; stream += 2) {
          client.flood(HttpFixture.frames(stream));
        }
      }
      Await.until("the other one has answered", () -> atOnce.get() >= 100);

      Thread acceptor =
          Thread.ofVirtual()
              .start(() -> {
                while (true) {
                  try {
                    Socket socket = listener.accept();
                    Thread.ofVirtual().start(() -> answerAll(socket, late));
                  } catch (IOException e) {
                    return; // the end of the test
                  }
                }
              });
      for (RawClient client : clients) {
        for (int i = 0; i < 80; i++) {
          client.next(RawClient.HEADERS);
        }
      }

      assertThat(atOnce.get() + late.get()).isEqualTo(400);
      assertThat(late).hasValueBetween(140, 260);
      listener.close();
      join(acceptor);
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
      for (Socket socket : before) {
        socket.close();
      }
    }
  }

  /** Until it does not answer the next one, which then has to ask again a second later. */
  private static void fillBacklog(InetSocketAddress listener, List<Socket> open)
      throws IOException {
    for (int i = 0; i < 8; i++) {
      Socket socket = new Socket();
      open.add(socket);
      try {
        socket.connect(listener, 300);
      } catch (SocketTimeoutException e) {
        return;
      }
    }
  }

  private static void answerAll(Socket socket, AtomicInteger asked) {
    try (socket) {
      HttpFixture.answerStreams(socket, _ -> asked.incrementAndGet() > 0);
    } catch (IOException e) {
      // The other end has gone, or never said anything.
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whoFailsInARowGetsNothingForAWhileWhereTheServiceSaysSo() throws Exception {
    AtomicInteger failures = new AtomicInteger();
    try (var ill = new Peers.Server(Peers.V4, socket -> answer(socket, 503, failures));
        var well = new Peers.Server(Peers.V4, socket -> answer(socket, 200, new AtomicInteger()));
        var fixture = new ProxyFixture()) {
      publishEjecting(fixture, List.of(ill.address(), well.address()), 100, false);
      var entry = fixture.outboundTo(STORE);
      get(entry, 60);
      assertThat(failures).as("nothing is said of it").hasValueGreaterThan(10);

      publishEjecting(fixture, List.of(ill.address(), well.address()), 100, true);
      failures.set(0);
      get(entry, 60);

      assertThat(failures).hasValue(3);
      assertThat(fixture.proxy.stats().ejections()).isEqualTo(new ServicePools.Ejections(1, 1));
      assertThat(fixture.proxy.endpointsEjected())
          .extracting(Remembered.Ejected::endpoint)
          .containsExactly(ill.address());
    }
  }

  /** Without the setting they stay with the endpoint that the connection has. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void requestsOfAConnectionOfHttp1GoEachItsOwnWayWhereTheMeshSaysSo(boolean each)
      throws Exception {
    List<AtomicInteger> asked = Stream.generate(AtomicInteger::new).limit(3).toList();
    try (var one = new Peers.Server(Peers.V4, socket -> answer(socket, 200, asked.get(0)));
        var two = new Peers.Server(Peers.V4, socket -> answer(socket, 200, asked.get(1)));
        var three = new Peers.Server(Peers.V4, socket -> answer(socket, 200, asked.get(2)));
        var fixture = new ProxyFixture()) {
      SnapshotEditor editor = ProxyFixture.permissive().edit();
      MeshSettings usual = ProxyFixture.permissive().settings();
      editor.put(SettingsDraft.of(usual, draft -> draft.balancesHttp1 = each));
      List<Endpoint> endpoints =
          Stream.of(one, two, three).map(app -> new Endpoint(app.address(), true)).toList();
      editor.put(
          new Service(
              ProxyFixture.STORE,
              List.of(ProxyFixture.STORE_VIP),
              List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints))));
      fixture.publish(editor.snapshot(10));
      try (Socket client = Peers.connect(fixture.outboundTo(STORE))) {
        for (int i = 0; i < 300; i++) {
          client.getOutputStream().write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(US_ASCII));
          assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith("HTTP/1.1 200");
        }
      }

      assertThat(one.accepted.get() + two.accepted.get() + three.accepted.get())
          .isEqualTo(each ? 3 : 1);
      if (each) {
        assertThat(asked).allSatisfy(times -> assertThat(times.get()).isBetween(60, 140));
      }
    }
  }

  @Test
  void whereHalfAndMoreHaveFailedAllAreAsked() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    try (var ill = new Peers.Server(Peers.V4, socket -> answer(socket, 503, asked));
        var other = new Peers.Server(Peers.V4, socket -> answer(socket, 503, asked));
        var fixture = new ProxyFixture()) {
      publishEjecting(fixture, List.of(ill.address(), other.address()), 100, true);

      get(fixture.outboundTo(STORE), 40);

      assertThat(fixture.proxy.stats().ejections().now()).isEqualTo(2);
      assertThat(asked).as("panic").hasValue(40);
    }
  }

  @Test
  void whoCannotBeReachedInARowIsNotTriedFirstForAWhile() throws Exception {
    InetSocketAddress nobody = Peers.unused();
    try (var well = new Peers.Server(Peers.V4, socket -> answer(socket, 200, new AtomicInteger()));
        var fixture = new ProxyFixture()) {
      publishEjecting(fixture, List.of(nobody, well.address()), 100, true);
      var entry = fixture.outboundTo(STORE);

      for (int i = 0; i < 60 && fixture.proxy.stats().ejections().now() == 0; i++) {
        get(entry, 1);
      }

      assertThat(fixture.proxy.endpointsEjected())
          .extracting(Remembered.Ejected::endpoint)
          .containsExactly(nobody);
    }
  }

  private static void answer(Socket socket, int status, AtomicInteger asked) throws IOException {
    byte[] buffer = new byte[65_536];
    while (socket.getInputStream().read(buffer) > 0) {
      asked.incrementAndGet();
      socket
          .getOutputStream()
          .write(("HTTP/1.1 " + status + " Own\r\nContent-Length: 0\r\n\r\n").getBytes(US_ASCII));
    }
  }

  private static void get(InetSocketAddress entry, int times) throws IOException {
    for (int i = 0; i < times; i++) {
      try (Socket client = Peers.connect(entry)) {
        client
            .getOutputStream()
            .write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".getBytes(US_ASCII));
        assertThat(client.getInputStream().readAllBytes()).isNotEmpty();
      }
    }
  }

  private static void publishEjecting(
      ProxyFixture fixture, List<InetSocketAddress> addresses, int percent, boolean ejects) {
    List<Endpoint> endpoints =
        addresses.stream().map(address -> new Endpoint(address, true)).toList();
    SnapshotEditor editor = ProxyFixture.permissive().edit();
    editor.put(
        new Service(
            ProxyFixture.STORE,
            List.of(ProxyFixture.STORE_VIP),
            List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints))));
    if (ejects) {
      editor.put(
          new UpstreamSetting(
              ProxyFixture.STORE,
              new NamespacedName("shop", "limits"),
              Pool.NONE,
              null,
              new Ejection(3, Duration.ofMinutes(1), Duration.ofMinutes(5), percent),
              Limits.NONE));
    }
    fixture.publish(editor.snapshot(ejects ? 11 : 10));
  }

  private static void publishWithAffinity(ProxyFixture fixture, List<InetSocketAddress> addresses) {
    publishWithAffinity(fixture, SessionAffinity.CLIENT_IP, addresses);
  }

  private static void publishWithAffinity(
      ProxyFixture fixture, SessionAffinity affinity, List<InetSocketAddress> addresses) {
    List<Endpoint> endpoints =
        addresses.stream().map(address -> new Endpoint(address, true)).toList();
    MeshSnapshot usual = ProxyFixture.snapshot(true, true, List.of(), List.of(), endpoints);
    Service store = usual.services().iterator().next();
    fixture.proxy.publish(
        new MeshSnapshot(
            8,
            usual.settings(),
            List.copyOf(usual.workloads()),
            List.of(
                new Service(
                    store.name(),
                    store.virtualAddresses(),
                    store.ports(),
                    affinity,
                    Nearness.ANYWHERE)),
            List.of()));
  }

  /** Which of them answers a connection from {@code client}. */
  private static Peers.Server reachedFrom(
      InetAddress client, InetSocketAddress entry, List<Peers.Server> apps) throws IOException {
    List<Integer> before = apps.stream().map(app -> app.accepted.get()).toList();
    try (Socket socket = new Socket(entry.getAddress(), entry.getPort(), client, 0)) {
      Peers.exchange(socket, 1);
    }
    return IntStream.range(0, apps.size())
        .filter(i -> apps.get(i).accepted.get() > before.get(i))
        .mapToObj(apps::get)
        .findFirst()
        .orElseThrow();
  }
}
