package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.sluice.await.Await;
import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.TestSettings;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A buyer whose clients ask the store's application by a connection for each request, in each way
 * that a call may go. The buyer's node has one event loop, and what is left there waits for longer
 * than a test takes.
 */
final class LeftSite implements AutoCloseable {
  static final String GET = "GET /books HTTP/1.1\r\nHost: store\r\n\r\n";
  static final String END = "\r\n\r\nok";
  static final Duration LONG = Duration.ofSeconds(30);
  static final InetSocketAddress SERVICE =
      new InetSocketAddress(ProxyFixture.STORE_VIP, TwoNodes.SERVICE_PORT);

  /** How a call goes. */
  enum Way {
    PAST_THE_LISTENER,
    BY_A_SOCKET,
    BETWEEN_NODES
  }

  /** What the application has received, one text for each connection. */
  final List<HttpFixture.Received> received = new CopyOnWriteArrayList<>();

  final Way way;

  /** The buyer's. */
  final TestNode node;

  final NamespacedName buyer;
  final NamespacedName store;
  final Peers.Server app;
  final InetSocketAddress entry;
  private final AutoCloseable site;
  private long revision = 20;

  LeftSite(Way way) {
    this(way, LONG, HttpFixture::answerEach);
  }

  LeftSite(Way way, Duration leftTime, HttpFixture.Application application) {
    this.way = way;
    ProxySettings settings =
        TestSettings.but(it -> {
          it.eventLoops = 1;
          it.leftTime = leftTime;
        });
    Peers.Conversation conversation =
        socket -> {
          HttpFixture.Received one = new HttpFixture.Received();
          received.add(one);
          application.serve(socket, one);
        };
    if (way == Way.BETWEEN_NODES) {
      TwoNodes nodes = new TwoNodes(TlsStack.JDK, settings, ProxySettings.DEFAULTS, conversation);
      site = nodes;
      node = nodes.client;
      app = nodes.app;
      buyer = TwoNodes.BUYER;
      store = TwoNodes.STORE;
      publish();
      entry = nodes.entry;
    } else {
      ProxyFixture fixture = new ProxyFixture(settings);
      app = new Peers.Server(Peers.V4, conversation);
      site =
          () -> {
            try (app) {
              fixture.close();
            }
          };
      node = fixture;
      buyer = ProxyFixture.BUYER;
      store = ProxyFixture.STORE;
      publish();
      fixture.sockets.leadsPast = way == Way.PAST_THE_LISTENER;
      fixture.serve(store, Direction.INBOUND, Peers.V4);
      entry = fixture.outboundTo(app.address());
    }
  }

  /** Decides by the usual once more. */
  void publish() {
    publish(granting("GET", "HEAD", "POST", "PUT", "PATCH"));
  }

  void publish(MeshSnapshot snapshot) {
    MeshSnapshot next = snapshot.withRevision(revision++);
    if (site instanceof TwoNodes nodes) {
      nodes.publish(next);
    } else {
      node.publish(next);
    }
  }

  /** The buyer may send the store requests of these methods. */
  MeshSnapshot granting(String... methods) {
    return granting(List.of(app.address()), methods);
  }

  /** The same, where the store's service has these endpoints. */
  MeshSnapshot granting(List<InetSocketAddress> endpoints, String... methods) {
    List<HttpMatch> granted =
        List.of(new HttpMatch("granted", Regex.ANY, Set.of(methods), Map.of()));
    if (site instanceof TwoNodes nodes) {
      SnapshotEditor editor = nodes.withRequests(granted).edit();
      for (InetSocketAddress each : endpoints) {
        editor.put(permission(TwoNodes.BUYER_ID.serviceAccountName(), each, granted));
      }
      editor.put(TwoNodes.service(AppProtocol.HTTP, endpoints));
      return editor.snapshot(9);
    }
    SnapshotEditor editor =
        ProxyFixture.snapshot(false, false, List.of(Peers.V4), List.of(), List.of()).edit();
    for (InetSocketAddress each : endpoints) {
      editor.put(permission(ProxyFixture.BUYER, each, granted));
    }
    editor.put(
        new Service(
            ProxyFixture.STORE,
            List.of(ProxyFixture.STORE_VIP),
            List.of(
                new ServicePort(
                    "http",
                    TwoNodes.SERVICE_PORT,
                    AppProtocol.HTTP,
                    endpoints.stream().map(each -> new Endpoint(each, true)).toList()))));
    return editor.snapshot(9);
  }

  private static Permission permission(
      NamespacedName account, InetSocketAddress to, List<HttpMatch> granted) {
    return new Permission(
        new NamespacedName("shop", "port-" + to.getPort()),
        new NamespacedName("shop", "store"),
        Set.of(account),
        Ports.of(to.getPort()),
        new Access.Requests(granted));
  }

  /** The buyer calls the service from now on. */
  LeftSite byService() {
    node.sockets.redirect(buyer, Direction.OUTBOUND, SERVICE);
    return this;
  }

  TestAuthority authority() {
    return ((TwoNodes) site).authority;
  }

  // --- clients -------------------------------------------------------------------------------

  String ask() throws IOException {
    return ask(GET);
  }

  /** What is answered to a client that asks by a connection of its own, and leaves in peace. */
  String ask(String request) throws IOException {
    return ask(request, END);
  }

  String ask(String request, String enough) throws IOException {
    String answer;
    try (Socket client = Peers.connect(entry)) {
      say(client, request);
      answer = HttpFixture.read(client, enough);
    }
    awaitEnd();
    return answer;
  }

  static void say(Socket socket, String octets) throws IOException {
    socket.getOutputStream().write(octets.getBytes(ISO_8859_1));
  }

  /** Until no connection of a client is there. */
  void awaitEnd() {
    Await.until("clients are gone", () -> live(buyer) == 0);
  }

  /** Connections by the listeners of that pod. */
  int live(NamespacedName pod) {
    var stats = node.proxy.stats().pods().get(pod);
    return stats == null ? 0 : stats.live();
  }

  /** Connections that wait for another client. */
  int left() {
    Loop loop = node.proxy.loops.getFirst();
    return loop.executor.submit(loop.left::size).syncUninterruptibly().getNow();
  }

  /** How many requests each connection to the application has carried, the first one first. */
  List<Integer> carried() {
    return received.stream().map(one -> one.text().split(" HTTP/1.1\r\n", -1).length - 1).toList();
  }

  @Override
  public void close() throws Exception {
    site.close();
  }
}
