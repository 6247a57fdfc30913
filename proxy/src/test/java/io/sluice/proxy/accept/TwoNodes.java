package io.sluice.proxy.accept;

import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two nodes on loopback: the buyer's on the one calls the store's application on the other. The
 * store has an address of its own, so that port 15008 is free there.
 */
final class TwoNodes implements AutoCloseable {
  static final NamespacedName BUYER = new NamespacedName("shop", "buyer-1");
  static final NamespacedName STORE = new NamespacedName("shop", "store-1");
  static final SpiffeId BUYER_ID = identity("buyer");
  static final SpiffeId STORE_ID = identity("store");

  /** A second one that may call the store, from the buyer's node. */
  static final NamespacedName CLERK = new NamespacedName("shop", "clerk-1");

  static final SpiffeId CLERK_ID = identity("clerk");
  static final InetAddress SERVICE = InetAddress.ofLiteral("10.96.0.10");
  static final int SERVICE_PORT = 80;

  private static final AtomicInteger FIXTURES = new AtomicInteger();

  final TestAuthority authority = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
  final TestNode client;
  final TestNode server;
  final Peers.Server app;
  final InetSocketAddress entry;
  private final InetAddress address;

  TwoNodes(TlsStack stack, Peers.Conversation conversation) {
    this(stack, ProxySettings.DEFAULTS, conversation);
  }

  /** With these settings on the store's node. */
  TwoNodes(TlsStack stack, ProxySettings settings, Peers.Conversation conversation) {
    this(stack, ProxySettings.DEFAULTS, settings, conversation);
  }

  TwoNodes(
      TlsStack stack,
      ProxySettings buyers,
      ProxySettings settings,
      Peers.Conversation conversation) {
    assumeThat(stack.isAvailable()).isTrue();
    address = freshAddress();
    app = new Peers.Server(address, conversation);
    client = new TestNode(stack, buyers);
    server = new TestNode(stack, settings);
    client.has(BUYER_ID, authority.issue(BUYER_ID));
    client.has(CLERK_ID, authority.issue(CLERK_ID));
    server.has(STORE_ID, authority.issue(STORE_ID));
    publish(snapshot());
    InetSocketAddress hbone = hbone();
    server.serve(STORE, Direction.INBOUND, hbone, hbone);
    entry =
        client.serve(BUYER, Direction.OUTBOUND, new InetSocketAddress(Peers.V4, 0), app.address());
  }

  /** One of 127/8 that no other fixture uses, nor another process's. */
  static InetAddress freshAddress() {
    long pid = ProcessHandle.current().pid();
    return InetAddress.ofLiteral(
        "127.%d.%d.%d"
            .formatted(
                1 + pid / 256 % 250, 1 + pid % 256 % 250, 1 + FIXTURES.incrementAndGet() % 250));
  }

  static SpiffeId identity(String account) {
    return new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", account);
  }

  InetSocketAddress hbone() {
    return new InetSocketAddress(address, MeshPorts.HBONE);
  }

  /** Both nodes decide by the same. */
  void publish(MeshSnapshot snapshot) {
    client.publish(snapshot);
    server.publish(snapshot);
  }

  /** Buyer and clerk may call the store, nothing else is allowed. */
  MeshSnapshot snapshot() {
    return snapshot(settings(DeniedPeers.NONE), buyerMayCall(), List.of(address), List.of());
  }

  /** Leads the buyer's calls to another application of the store, which takes all requests. */
  void lead(InetSocketAddress other) {
    client.sockets.redirect(BUYER, Direction.OUTBOUND, other);
    publish(withRequests(other, List.of(new HttpMatch("", Regex.ANY, Set.of(), Map.of()))));
  }

  /** Its port is declared HTTP, and buyer and clerk may send requests that match. */
  MeshSnapshot withRequests(List<HttpMatch> granted) {
    return withRequests(app.address(), granted);
  }

  private MeshSnapshot withRequests(InetSocketAddress application, List<HttpMatch> granted) {
    SnapshotEditor editor = snapshot().edit();
    buyerMayCall().stream()
        .map(one ->
            new Permission(
                one.name(),
                one.destination(),
                one.sources(),
                Ports.of(application.getPort()),
                new Access.Requests(granted)))
        .forEach(editor::put);
    editor.put(service(AppProtocol.HTTP, List.of(application)));
    return editor.snapshot(9);
  }

  /** The same, with connections of one pod carried like this. */
  MeshSnapshot with(NamespacedName pod, ConnectionSettings connections) {
    MeshSnapshot usual = snapshot();
    Workload before = usual.workload(pod).orElseThrow();
    SnapshotEditor editor = usual.edit();
    editor.put(workload(pod, before.identity(), before.addresses(), connections));
    return editor.snapshot(8);
  }

  MeshSnapshot snapshot(
      MeshSettings settings,
      List<Permission> permissions,
      List<InetAddress> storeAddresses,
      List<InetSocketAddress> endpoints) {
    return new MeshSnapshot(
        7,
        settings,
        List.of(
            workload(BUYER, BUYER_ID, List.of(Peers.V4)),
            workload(CLERK, CLERK_ID, List.of()),
            workload(STORE, STORE_ID, storeAddresses)),
        List.of(service(AppProtocol.TCP, endpoints)),
        permissions);
  }

  static MeshSettings settings(DeniedPeers denied) {
    return new MeshSettings(
        false, false, TrustDomain.CLUSTER_LOCAL, true, denied, RevokedMode.CLOSE);
  }

  static List<Permission> buyerMayCall() {
    return List.of(
        new Permission(
            new NamespacedName("shop", "buy"),
            STORE_ID.serviceAccountName(),
            Set.of(BUYER_ID.serviceAccountName(), CLERK_ID.serviceAccountName()),
            Ports.EVERY));
  }

  /** The store's, whose port is called after its protocol. */
  static Service service(AppProtocol protocol, List<InetSocketAddress> endpoints) {
    List<Endpoint> ready = endpoints.stream().map(each -> new Endpoint(each, true)).toList();
    String port = protocol.name().toLowerCase(Locale.ROOT);
    return new Service(
        new NamespacedName("shop", "store"),
        List.of(SERVICE),
        List.of(new ServicePort(port, SERVICE_PORT, protocol, ready)));
  }

  static Workload workload(NamespacedName name, SpiffeId identity, List<InetAddress> addresses) {
    return workload(name, identity, addresses, ConnectionSettings.DEFAULT);
  }

  private static Workload workload(
      NamespacedName name,
      SpiffeId identity,
      List<InetAddress> addresses,
      ConnectionSettings connections) {
    return new Workload(
        name,
        identity,
        addresses,
        Map.of("app", "a \"b\", c"),
        true,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT,
        connections,
        List.of(),
        null);
  }

  List<InetAddress> storeAddresses() {
    return List.of(address);
  }

  @Override
  public void close() {
    try (app;
        server;
        client) {
      // Whatever one of them asserts, the others are closed too.
    }
  }
}
