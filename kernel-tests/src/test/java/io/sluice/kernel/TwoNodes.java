package io.sluice.kernel;

import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.lab.site.Relay;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.MeshPorts;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.identity.control.ControlTiming;
import io.sluice.node.identity.control.ControllerClient;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * The shop over two nodes with mutual TLS: a buyer, a neighbour of its and a thief on node a, the
 * store on node b. Buyer and neighbour may reach the store. What goes between the nodes is captured
 * from before the daemons start, so that every connection is heard from its beginning.
 */
final class TwoNodes implements AutoCloseable {
  /** Where HBONE listens on every pod. */
  static final int HBONE_PORT = 15_008;

  static final String MESH_CONFIG = "mesh-config";

  private static final int FIRST_PORT = 20_000;

  final Cluster cluster;
  final SitePod buyer;
  final SitePod neighbour;
  final SitePod thief;
  final SitePod store;
  final FrameCapture capture;
  private final AtomicInteger ports = new AtomicInteger(FIRST_PORT);

  private TwoNodes(Cluster cluster) {
    this.cluster = cluster;
    this.buyer = cluster.pod("buyer");
    this.neighbour = cluster.pod("neighbour");
    this.thief = cluster.pod("thief");
    this.store = cluster.pod("store");
    this.capture = cluster.link().capture();
  }

  /**
   * Opens the shop: the controller runs, both daemons follow it, and every pod has its certificate.
   */
  static TwoNodes open(Mechanism mechanism, String... arguments) {
    return open(mechanism, List.of(), arguments);
  }

  /** The same with further arguments of {@code control run}; the others are of {@code node run}. */
  static TwoNodes open(Mechanism mechanism, List<String> control, String... arguments) {
    return open(List.of(mechanism, mechanism), control, arguments);
  }

  /** Node a intercepts with programs, and node b with rules. */
  static TwoNodes openMixed(String... arguments) {
    return open(List.of(Mechanism.EBPF, Mechanism.IPTABLES), List.of(), arguments);
  }

  /** What the nodes' mechanisms are tried to be; in a short run both at once. */
  static Stream<List<Mechanism>> mechanisms() {
    List<Mechanism> mixed = List.of(Mechanism.EBPF, Mechanism.IPTABLES);
    return LongRun.ON
        ? Stream.concat(Stream.of(mixed), mixed.stream().map(each -> List.of(each, each)))
        : Stream.of(mixed);
  }

  /** With those of node a and of node b. */
  static TwoNodes open(List<Mechanism> mechanisms, List<String> control, String... arguments) {
    Cluster cluster = new Cluster(List.of("buyer", "neighbour", "thief"), List.of("store"));
    try {
      TwoNodes shop = new TwoNodes(cluster);
      shop.writeRegistry();
      cluster.startControl(control.toArray(String[]::new));
      for (int i = 0; i < mechanisms.size(); i++) {
        cluster.startDaemon(cluster.sites().get(i), mechanisms.get(i).arguments(arguments));
      }
      shop.awaitCertificates();
      return shop;
    } catch (RuntimeException | Error e) {
      cluster.close();
      throw e;
    }
  }

  private void writeRegistry() {
    RegistryFolder registry = cluster.registry();
    registry.write("namespace", Manifests.namespace());
    registry.write(MESH_CONFIG, Manifests.meshConfig(Map.of()));
    registry.write("buyer-to-store", Manifests.trafficTarget("buyer", "store", List.of()));
    registry.write("neighbour-to-store", Manifests.trafficTarget("neighbour", "store", List.of()));
    List.of(buyer, neighbour, thief, store).forEach(registry::write);
  }

  /** Puts members of etcd into the mesh and returns when the daemons of their nodes serve them. */
  void addEtcd(List<SitePod> members) {
    change(() -> {
      cluster.registry().write(EtcdSet.ACCOUNT, EtcdSet.serviceAndPermission());
      members.forEach(each -> cluster.registry().write("pod-" + each.name(), EtcdSet.pod(each)));
    });
    for (Site site : cluster.sites()) {
      Await.until(
          "the account has a certificate",
          Await.patience(30),
          () -> site.daemon().view().hasCertificate(identity(EtcdSet.ACCOUNT)));
    }
  }

  /** Takes them out again. */
  void removeEtcd(List<SitePod> members) {
    change(() -> {
      cluster.registry().remove(EtcdSet.ACCOUNT);
      members.forEach(cluster.registry()::remove);
    });
  }

  /** Returns when each daemon has a certificate for every pod of its node. */
  void awaitCertificates() {
    cluster.awaitCertificates(List.of(buyer, neighbour, thief, store));
  }

  /** Its SPIFFE ID. */
  static String identity(SitePod pod) {
    return identity(pod.name());
  }

  private static String identity(String account) {
    return "spiffe://cluster.local/ns/" + Manifests.NAMESPACE + "/sa/" + account;
  }

  Site a() {
    return cluster.site("a");
  }

  Site b() {
    return cluster.site("b");
  }

  ControlProcess control() {
    return cluster.control();
  }

  /** From the stranger's place. */
  Relay relayToControl() {
    return Relay.open(stranger(), cluster.controlMachine().at(Family.IPV6, MeshPorts.CONTROL));
  }

  /** Who asks the controller behind a relay, as nodes do. */
  static ControllerClient caller(Relay relay) {
    return new ControllerClient(
        List.of(ControlAddress.parse("127.0.0.1:" + relay.port())),
        ControlTiming.DEFAULTS,
        InstantSource.system());
  }

  /** The stranger on the link, outside the mesh. */
  SitePod stranger() {
    return cluster.stranger();
  }

  /** What the daemon of the node tells that serves the store. */
  DaemonView servingView() {
    return b().daemon().view();
  }

  /** What the daemon of the node tells that the clients are on. */
  DaemonView callingView() {
    return a().daemon().view();
  }

  /** A port that no other test of this shop uses. */
  int freshPort() {
    return ports.getAndIncrement();
  }

  /** One call to the store, with a text that the capture may be searched for. */
  Attempt call(SitePod from, Family family, int port, String text) {
    return Attempt.from(from, new InetSocketAddress(store.address(family), port), text);
  }

  /** Makes a change to the registry and returns when both nodes decide by it. */
  void change(Runnable change) {
    cluster.change(change);
  }

  /** Sets the MeshConfig by sections and returns when both nodes decide by it. */
  void configure(Map<String, String> sections) {
    change(() -> cluster.registry().write(MESH_CONFIG, Manifests.meshConfig(sections)));
  }

  @Override
  public void close() {
    capture.close();
    cluster.close();
  }
}
