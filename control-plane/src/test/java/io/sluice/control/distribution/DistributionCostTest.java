package io.sluice.control.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** In processor time of the thread: of other work on the machine only caches tell. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DistributionCostTest {
  /** For the set, and for what each of a hundred nodes is sent of it. */
  private static final Duration LONGEST = Duration.ofMillis(5);

  private static final int WARM_UP = 100;
  private static final int CHANGES = 101;
  private static final int CHANGED = 77;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final ResourceSets sets = new ResourceSets();
  private MeshSnapshot snapshot = LargeMesh.snapshot();
  private ResourceSets.ResourceSet set = sets.next(snapshot);

  @Test
  void followsTheChangeAndNotTheCluster() {
    assertThat(usual((editor, version) -> editor.put(LargeMesh.permission(CHANGED, version))))
        .as("a permission has other sources")
        .isLessThanOrEqualTo(LONGEST);
    assertThat(usual((editor, version) -> editor.put(LargeMesh.pod(CHANGED, 0, "v" + version))))
        .as("a pod has another label")
        .isLessThanOrEqualTo(LONGEST);
  }

  /**
   * The best tenth of changes that each differ from the one before, with all deltas that they lead
   * to.
   */
  private Duration usual(ObjIntConsumer<SnapshotEditor> change) {
    long[] nanos = new long[CHANGES];
    for (int i = -WARM_UP; i < CHANGES; i++) {
      SnapshotEditor editor = snapshot.edit();
      change.accept(editor, WARM_UP + 1 + i);
      snapshot = editor.snapshot(snapshot.revision() + 1);
      Map<String, NodeResources> held = views();
      long before = THREADS.getCurrentThreadCpuTime();
      set = sets.next(snapshot);
      int told = 0;
      for (Map.Entry<String, NodeResources> node : held.entrySet()) {
        NodeResources to = set.resourcesOf(node.getKey());
        told += NodeResources.Delta.between(node.getValue(), to).isEmpty() ? 0 : 1;
      }
      if (i >= 0) {
        nanos[i] = THREADS.getCurrentThreadCpuTime() - before;
      }
      assertThat(told).isPositive();
    }
    Arrays.sort(nanos);
    return Duration.ofNanos(nanos[CHANGES / 10]);
  }

  private Map<String, NodeResources> views() {
    Map<String, NodeResources> views = new HashMap<>();
    for (int node = 0; node < LargeMesh.NODES; node++) {
      views.put(LargeMesh.node(node), set.resourcesOf(LargeMesh.node(node)));
    }
    return views;
  }

  @Test
  void nodesShareAllButWhatIsTheirOwn() {
    NodeResources first = set.resourcesOf(LargeMesh.node(0));
    long own = 0;
    for (NodeResources view : views().values()) {
      assertThat(view.base()).isSameAs(first.base());
      own += view.overlay().size();
    }

    assertThat(first.base().size()).isGreaterThanOrEqualTo(LargeMesh.PODS + LargeMesh.SERVICES);
    assertThat(own).as("pods, permissions, callable services").isLessThan(10L * LargeMesh.PODS);
  }

  /** A large site: every service has an account, five pods on five nodes, and three callers. */
  private static final class LargeMesh {
    static final int NODES = 100;
    static final int SERVICES = 2_000;
    static final int REPLICAS = 5;
    static final int PODS = SERVICES * REPLICAS;
    private static final int CALLERS = 3;

    private LargeMesh() {}

    static MeshSnapshot snapshot() {
      List<Workload> pods = new ArrayList<>();
      List<Service> services = new ArrayList<>();
      List<Permission> permissions = new ArrayList<>();
      for (int number = 0; number < SERVICES; number++) {
        services.add(service(number));
        permissions.add(permission(number, number + 1));
        for (int replica = 0; replica < REPLICAS; replica++) {
          pods.add(pod(number, replica, "v0"));
        }
      }
      return new MeshSnapshot(
          1,
          new MeshSettings(false, false, TrustDomain.CLUSTER_LOCAL),
          pods,
          services,
          permissions);
    }

    static String node(int number) {
      return "node-" + number;
    }

    static Workload pod(int service, int replica, String version) {
      int number = service * REPLICAS + replica;
      return new Workload(
          new NamespacedName("site", "app-" + service + "-" + replica),
          new SpiffeId(TrustDomain.CLUSTER_LOCAL, "site", "app-" + service),
          List.of(IpAddresses.parse(address(number))),
          Map.of("app", "app-" + service, "version", version),
          true,
          null,
          null,
          node((service + 20 * replica) % NODES),
          false,
          InterceptionSettings.EVERYTHING,
          Set.of(),
          MtlsMode.STRICT);
    }

    /** Grants its service to three others, from the one of that number on. */
    static Permission permission(int number, int firstCaller) {
      return new Permission(
          new NamespacedName("site", "app-" + number),
          account(number),
          Set.copyOf(
              IntStream.range(firstCaller, firstCaller + CALLERS)
                  .mapToObj(caller -> account(caller % SERVICES))
                  .toList()),
          Ports.of(80));
    }

    private static Service service(int number) {
      List<Endpoint> endpoints =
          IntStream.range(0, REPLICAS)
              .mapToObj(replica ->
                  new Endpoint(
                      new InetSocketAddress(
                          IpAddresses.parse(address(number * REPLICAS + replica)), 80),
                      true))
              .toList();
      return new Service(
          new NamespacedName("site", "app-" + number),
          List.of(IpAddresses.parse("10.96." + number / 250 + "." + (1 + number % 250))),
          List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints)));
    }

    private static NamespacedName account(int number) {
      return new NamespacedName("site", "app-" + number);
    }

    private static String address(int number) {
      return "10.0." + number / 250 + "." + (1 + number % 250);
    }
  }
}
