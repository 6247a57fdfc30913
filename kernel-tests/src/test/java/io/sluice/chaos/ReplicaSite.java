package io.sluice.chaos;

import io.netty.channel.EventLoopGroup;
import io.sluice.chaos.Replica.State;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A service with replicas on two nodes, and who calls it, on both. For one thread. */
final class ReplicaSite implements AutoCloseable {
  static final InetSocketAddress SERVICE =
      new InetSocketAddress(InetAddress.ofLiteral("10.99.0.80"), 80);

  private static final List<String> NODES = List.of("a", "b");

  /** A replica that comes is known to all callers then. */
  private static final Duration KNOWN_WITHIN = Duration.ofSeconds(5);

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final EventLoopGroup group;
  private final Cluster cluster;
  private final List<Replica> replicas = new ArrayList<>();
  private final List<SitePod> callers = new ArrayList<>();

  private ReplicaSite(EventLoopGroup group, int replicas, int callers) {
    this.group = group;
    this.cluster = new Cluster(names("a", replicas, callers), names("b", replicas, callers));
    for (int i = 0; i < replicas; i++) {
      for (String node : NODES) {
        this.replicas.add(new Replica(group, cluster.pod(node + "-store" + i)));
      }
    }
    for (int i = 0; i < callers; i++) {
      for (String node : NODES) {
        this.callers.add(cluster.pod(node + "-buyer" + i));
      }
    }
  }

  /**
   * Two nodes, each with so many replicas and callers, without means of resilience.
   *
   * @param inService of all replicas, by turns of either node; the others are to spare
   */
  static ReplicaSite open(EventLoopGroup group, int replicas, int inService, int callers) {
    ReplicaSite opened = new ReplicaSite(group, replicas, callers);
    try {
      opened.start(inService);
      return opened;
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private static List<String> names(String node, int replicas, int callers) {
    return Stream.concat(
            IntStream.range(0, replicas).mapToObj(i -> node + "-store" + i),
            IntStream.range(0, callers).mapToObj(i -> node + "-buyer" + i))
        .toList();
  }

  private void start(int inService) {
    cluster.registry().write("namespace", Manifests.namespace());
    cluster.registry().write("store", store());
    write("{}");
    callers.forEach(pod -> cluster.registry().write("pod-" + pod.name(), pod(pod, "buyer")));
    replicas.subList(0, inService).forEach(this::enter);
    cluster.startControl();
    cluster.sites().forEach(site -> cluster.startDaemon(site, Mechanism.EBPF.arguments()));
    for (Site site : cluster.sites()) {
      Await.until(
          "callers have a certificate",
          Await.patience(30),
          () -> site.daemon().view().hasCertificate("spiffe://cluster.local/ns/shop/sa/buyer"));
    }
    warmUp();
  }

  /** Programs that have just started take longer, and there is nobody who helps out. */
  private void warmUp() {
    Await.until(
        "the service answers",
        () -> call(callers, 20, Duration.ofSeconds(1)).stream().allMatch(one -> one.isGood()));
    call(callers, 100, Duration.ofSeconds(2));
    call(callers, 300, Duration.ofSeconds(2));
  }

  private static String pod(SitePod pod, String account) {
    return Manifests.pod(pod)
        .replace("serviceAccountName: " + pod.name(), "serviceAccountName: " + account)
        .replace("labels: {app: " + pod.name() + "}", "labels: {app: " + account + "}")
        .replace(
            "containers: []",
            "containers: [{name: web, readinessProbe: {periodSeconds: 1, httpGet: {path: %s, port: %d}}}]"
                .formatted(Replica.READY, Replica.PORT));
  }

  private static String store() {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: store, namespace: shop}
    spec:
      clusterIPs: ["%s"]
      selector: {app: store}
      ports: [{name: http, port: 80, targetPort: %d, appProtocol: http}]
    ---
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Retry
    metadata: {name: buyer, namespace: shop}
    spec:
      source: {kind: ServiceAccount, name: buyer, namespace: shop}
      destinations: [{kind: Service, name: store, namespace: shop}]
      retryPolicy:
        retryOn: "5xx,reset,connect-failure"
        numRetries: 15
        perTryTimeout: 5s
        retryBackoffBaseInterval: 1ms
    """
        .formatted(IpAddresses.text(SERVICE.getAddress()), Replica.PORT);
  }

  /** The MeshConfig has these flags from now on. */
  void configure(String flags) {
    cluster.change(() -> write(flags));
  }

  private void write(String flags) {
    cluster
        .registry()
        .write(
            "mesh-config",
            Manifests.meshConfig(
                Map.of(
                    "featureFlags",
                    flags,
                    "traffic",
                    "{enablePermissiveTrafficPolicyMode: true}")));
  }

  /** An UpstreamTrafficSetting of the service says this from now on, in block style. */
  void set(String spec) {
    cluster.change(() -> cluster.registry().write("upstream", upstream(spec)));
  }

  private static String upstream(String spec) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: UpstreamTrafficSetting
    metadata: {name: store, namespace: shop}
    spec:
      host: store
    %s\
    """
        .formatted(spec.indent(2));
  }

  /** It comes, as new. */
  void enter(Replica replica) {
    replica.become(State.WELL, 0);
    replica.inServiceSince(System.nanoTime() + KNOWN_WITHIN.toNanos());
    cluster.registry().write("pod-" + replica.pod.name(), pod(replica.pod, "store"));
  }

  /** Callers are to forget it; it serves what it is still asked. */
  void leave(Replica replica) {
    replica.inServiceSince(0);
    cluster.registry().remove(replica.pod);
  }

  /** All, by turns of either node. */
  List<Replica> replicas() {
    return replicas;
  }

  /** All, by turns of either node. */
  List<SitePod> callers() {
    return callers;
  }

  /** Nodes with their daemons. */
  List<Site> nodes() {
    return cluster.sites();
  }

  /** What becomes of so many requests a second for so long. */
  List<OpenLoopCallers.Outcome> call(List<SitePod> from, int perSecond, Duration lasting) {
    try (OpenLoopCallers open = new OpenLoopCallers(group, from, SERVICE, perSecond)) {
      long most = perSecond * lasting.toSeconds();
      Await.until("all was asked", PATIENCE, () -> open.made() >= most);
      return open.end(PATIENCE);
    }
  }

  @Override
  public void close() {
    replicas.forEach(Replica::close);
    cluster.close();
  }
}
