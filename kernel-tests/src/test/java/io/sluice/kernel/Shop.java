package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Confinement;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.node.NodeCleanup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/**
 * The world of most tests: a buyer that may reach the store on every port, a thief that may reach
 * nobody, all three enrolled under strict policy without egress; and a stranger outside the mesh,
 * who also has an address that belongs to no cluster.
 */
final class Shop implements AutoCloseable {
  /** The store's Service port; it leads to {@link #STORE_PORT}. */
  static final int SERVICE_PORT = 80;

  static final int STORE_PORT = 8080;
  static final String MESH_CONFIG = "mesh-config";

  private static final String SERVICE = "service-store";
  private static final String SERVICE_IPV4 = "10.99.0.10";
  private static final String SERVICE_IPV6 = "fd99::10";
  private static final String OUTSIDE_IPV4 = "198.51.100.7"; // RFC 5737
  private static final String OUTSIDE_IPV6 = "2001:db8::7"; // RFC 3849
  private static final int FIRST_PORT = 20_000;

  /** Those that nobody has now, by the arguments of their daemons. Guarded by itself. */
  private static final Map<List<String>, Deque<Shop>> FREE = new HashMap<>();

  final Site site;
  final SitePod buyer;
  final SitePod store;
  final SitePod thief;
  final SitePod stranger;
  private final Mechanism mechanism;
  private List<String> kind = List.of(); // of one that is lent
  private final Deque<Runnable> changes = new ArrayDeque<>(); // what undoes them, the last first
  private final AtomicInteger ports = new AtomicInteger(FIRST_PORT);

  private Shop(Site site, Mechanism mechanism) {
    this.site = site;
    this.mechanism = mechanism;
    this.buyer = site.pod("buyer");
    this.store = site.pod("store");
    this.thief = site.pod("thief");
    this.stranger = site.pod("stranger");
  }

  /** Opens the shop under a running daemon, with further arguments of {@code node run}. */
  static Shop open(Mechanism mechanism, String... arguments) {
    return open(Confinement.NONE, mechanism, arguments);
  }

  /**
   * One that a class before had, as it was at the beginning, else a new one; to close it is to give
   * it back. For tests that need not be the first under their daemon; the end of the JVM removes
   * it.
   */
  static Shop lent(Mechanism mechanism, String... arguments) {
    List<String> kind = List.of(mechanism.arguments(arguments));
    synchronized (FREE) {
      Shop free = FREE.getOrDefault(kind, new ArrayDeque<>()).poll();
      if (free != null) {
        return free;
      }
    }
    Shop opened = open(mechanism, arguments);
    opened.kind = kind;
    return opened;
  }

  /** The same under a daemon that is started in another way. */
  static Shop open(Confinement confinement, Mechanism mechanism, String... arguments) {
    return prepare(
        mechanism, site -> site.startDaemon(confinement, mechanism.arguments(arguments)));
  }

  /** The same without a daemon, for tests that start their own. */
  static Shop withoutDaemon(Mechanism mechanism) {
    return prepare(mechanism, _ -> {});
  }

  private static Shop prepare(Mechanism mechanism, Consumer<Site> opening) {
    Site site = new Site("buyer", "store", "thief", "stranger");
    try {
      Shop shop = new Shop(site, mechanism);
      Commands.ip(
          shop.stranger.netns(),
          List.of(
              "addr add " + OUTSIDE_IPV4 + "/32 dev eth0",
              "addr add " + OUTSIDE_IPV6 + "/128 dev eth0 nodad"));
      site.registry().hold(shop.atFirst());
      opening.accept(site);
      return shop;
    } catch (RuntimeException | Error e) {
      site.close();
      throw e;
    }
  }

  /** The files of the registry. */
  private Map<String, String> atFirst() {
    Map<String, String> files = new HashMap<>();
    files.put("namespace", Manifests.namespace());
    files.put(MESH_CONFIG, Manifests.meshConfig(false, false, Map.of()));
    files.put(SERVICE, service());
    files.put("buyer-to-store", Manifests.trafficTarget("buyer", "store", List.of()));
    Stream.of(buyer, store, thief)
        .forEach(pod -> files.put("pod-" + pod.name(), Manifests.pod(pod)));
    return files;
  }

  private static String service() {
    return Manifests.service("store", SERVICE_IPV4, SERVICE_IPV6, SERVICE_PORT, STORE_PORT);
  }

  /** Writes the store's Service, as at the beginning. */
  void writeService() {
    site.registry().write(SERVICE, service());
  }

  /**
   * For much traffic: with rules, connections that have ended leave later ones another source port,
   * which records then name; see docs/interception.md.
   */
  void forgetEndedConnections(Mechanism mechanism) {
    if (!mechanism.steers()) {
      for (SitePod pod : List.of(buyer, store, thief)) {
        for (String state : List.of("time_wait", "close", "last_ack", "fin_wait")) {
          sysctl(pod, "net/netfilter/nf_conntrack_tcp_timeout_" + state, "1");
        }
      }
    }
  }

  /** Sets a sysctl of a pod until the shop is given back. */
  void sysctl(SitePod pod, String name, String value) {
    String before = pod.sysctl(name, value);
    changes.addFirst(() -> pod.sysctl(name, before));
  }

  DaemonProcess daemon() {
    return site.daemon();
  }

  /** Starts the daemon where a test before has ended it. */
  void reviveDaemon() {
    if (!daemon().isAlive()) {
      daemon().start();
    }
  }

  /** Kills what daemon runs, and leaves nothing of it on the node. */
  void removeTraces() {
    site.killDaemons();
    NodeCleanup.removeAll(site.prefix());
  }

  DaemonView view() {
    return site.daemon().view();
  }

  /** The store's Service address. */
  InetSocketAddress service(Family family) {
    return new InetSocketAddress(
        IpAddresses.parse(family == Family.IPV4 ? SERVICE_IPV4 : SERVICE_IPV6), SERVICE_PORT);
  }

  /** An address beyond the mesh; the stranger has it. */
  InetSocketAddress outside(Family family, int port) {
    return new InetSocketAddress(
        IpAddresses.parse(family == Family.IPV4 ? OUTSIDE_IPV4 : OUTSIDE_IPV6), port);
  }

  /** A port that no other test of this shop uses. */
  int freshPort() {
    return ports.getAndIncrement();
  }

  /**
   * Makes changes to the registry, one after the other, each of them of one file, since the daemon
   * may read the folder between two; returns when it has taken over the last.
   */
  void change(Runnable... changes) {
    Stream.of(changes).forEach(this::changeOne);
  }

  private void changeOne(Runnable change) {
    long before = revision();
    int changes = site.registry().changes();
    change.run();
    if (site.registry().changes() != changes) {
      Await.until("every pod is brought to the change", () -> enforcedRevision() > before);
    }
  }

  /** Sets the MeshConfig and returns when the daemon has taken it over. */
  void configure(boolean permissive, boolean egress, Map<String, String> lists) {
    change(
        () -> site.registry().write(MESH_CONFIG, Manifests.meshConfig(permissive, egress, lists)));
  }

  /** As at the beginning, with the stranger as a resolver of every pod. */
  void configureStrangerAsResolver() {
    String addresses =
        Stream.of(Family.values())
            .map(family -> '"' + IpAddresses.text(stranger.address(family)) + '"')
            .collect(Collectors.joining(", ", "[", "]"));
    configure(false, false, Map.of("dnsResolvers", addresses));
  }

  /** An Isolation of these addresses, or none. */
  void isolate(InetAddress... addresses) {
    String ranges =
        Stream.of(addresses)
            .map(address -> '"' + Cidr.of(address).toString() + '"')
            .collect(Collectors.joining(", "));
    change(() -> {
      if (ranges.isEmpty()) {
        site.registry().remove("isolation");
      } else {
        site.registry()
            .write(
                "isolation",
                """
                apiVersion: policy.flomesh.io/v1alpha1
                kind: Isolation
                metadata: {name: parts}
                spec: {cidrs: [%s]}
                """
                    .formatted(ranges));
      }
    });
  }

  /** As at the beginning, with mutual TLS between nodes turned off. */
  void configureWithoutMutualTls() {
    String config = Manifests.withoutMutualTls(Manifests.meshConfig(false, false, Map.of()));
    change(() -> site.registry().write(MESH_CONFIG, config));
  }

  /** As at the beginning, with a word on where applications are reached. */
  void configureLocalProxy(LocalProxyMode mode) {
    String sidecar = "spec: {sidecar: {localProxyMode: " + mode.word() + "}, ";
    String config = Manifests.meshConfig(false, false, Map.of()).replace("spec: {", sidecar);
    change(() -> site.registry().write(MESH_CONFIG, config));
  }

  /** Strict, without egress and exclusions, as at the beginning. */
  void configureAsAtFirst() {
    configure(false, false, Map.of());
  }

  /** The buyer is served, and nobody else: neither the thief nor the stranger. */
  void assertEnforced() {
    for (Family family : Family.values()) {
      try (TcpServer behind = TcpServer.echo(store, family, STORE_PORT);
          TcpServer outside = TcpServer.echo(stranger, family, freshPort())) {
        Attempt served = Attempt.from(buyer, service(family), "hi");
        assertThat(served.answer()).as("%s", served).isEqualTo("hi");
        assertRefused(thief, service(family));
        assertRefused(thief, stranger.at(family, outside.port()));
        assertRefused(stranger, store.at(family, behind.port()));
        assertThat(behind.accepted()).hasSize(1);
        assertThat(outside.accepted()).isEmpty();
      }
    }
  }

  /** Whether every pod holds traces of this mechanism, and the node none of the other. */
  boolean isUnderOnly(Mechanism mechanism) {
    return view().pins().exists() == mechanism.hooksConnect()
        && view().pins().otherSchemas().isEmpty()
        && List.of(buyer, store, thief).stream()
            .allMatch(pod -> {
              // Without a jump into them, chains decide nothing.
              List<String> rules =
                  Traces.rules(pod).stream().filter(rule -> rule.contains("-j SLUICE")).toList();
              return rules.isEmpty() == mechanism.steers()
                  && rules.stream().anyMatch(rule -> rule.contains("SLUICE_OUTPUT"))
                      != mechanism.hooksConnect()
                  && Traces.programs(pod).isEmpty() != mechanism.steers();
            });
  }

  /** A system call of the thief's is not permitted, which is counted and, where it can be, told. */
  void assertNotPermitted(String reason, ThrowingCallable call) {
    long before = view().counted(thief, "outbound", "refused", reason);
    long lastEvent = view().lastEvent();

    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));

    assertThat(view().counted(thief, "outbound", "refused", reason)).isEqualTo(before + 1);
    if (mechanism.tellsRefusedDatagrams()) {
      Await.until(
          "the refusal is an event", () -> !view().events(lastEvent, thief, reason).isEmpty());
    }
  }

  private static void assertRefused(SitePod from, InetSocketAddress destination) {
    Attempt attempt = Attempt.from(from, destination, "hi");
    assertThat(attempt.wasTurnedAway()).as("%s", attempt).isTrue();
  }

  private long enforcedRevision() {
    return view().status().path("enforcedRevision").asLong();
  }

  private long revision() {
    return view().status().path("snapshotRevision").asLong();
  }

  @Override
  public void close() {
    if (kind.isEmpty()) {
      site.close();
      return;
    }
    try {
      changes.forEach(Runnable::run);
      changes.clear();
      reviveDaemon();
      change(site.registry().toHold(atFirst()));
      site.removePods(
          site.pods().stream()
              .filter(pod -> !List.of(buyer, store, thief, stranger).contains(pod))
              .toList());
    } catch (RuntimeException | Error e) {
      site.close();
      throw e;
    }
    synchronized (FREE) {
      FREE.computeIfAbsent(kind, _ -> new ArrayDeque<>()).add(this);
    }
  }
}
