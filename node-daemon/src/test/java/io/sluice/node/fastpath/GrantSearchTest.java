package io.sluice.node.fastpath;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.PodPlacement;
import io.sluice.interception.maps.GrantKey;
import io.sluice.linux.netns.FakeNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Samples;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.FastPath;
import io.sluice.node.fastpath.PodSocketTables.Listeners;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

class GrantSearchTest {
  private static final int PORT = 8080;

  @AutoClose private final NetnsHandle netns = new FakeNamespaces(true).current();

  @Test
  void whatIsFoundIsWhatAskingEveryPairFinds() {
    int granted = 0;
    int unlisted = 0;
    for (int seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      MeshSnapshot snapshot = mesh(random, 7);
      List<PodPlacement> present = new ArrayList<>(pods(7));
      present.removeIf(_ -> random.nextInt(8) == 0);
      Map<Long, Listeners> listeners = new HashMap<>();
      for (PodPlacement pod : present) {
        if (random.nextInt(4) > 0) {
          listeners.put(
              pod.cookie(),
              new Listeners(
                  random.nextInt(4) > 0
                      ? Set.of(new InetSocketAddress(IpAddresses.parse("0.0.0.0"), PORT))
                      : Set.of()));
        }
      }

      GrantSearch found = new GrantSearch(snapshot, present, listeners, () -> false);

      assertThat(found.grants().keySet())
          .as("seed %s", seed)
          .isEqualTo(ofEveryPair(snapshot, present, listeners));
      granted += found.grants().size();
      unlisted += found.unlisted().size();
    }
    assertThat(granted).isGreaterThan(5_000);
    assertThat(unlisted).isGreaterThan(500);
  }

  private static Set<GrantKey> ofEveryPair(
      MeshSnapshot snapshot, List<PodPlacement> present, Map<Long, Listeners> listeners) {
    Map<NamespacedName, PodPlacement> here = new HashMap<>();
    present.forEach(pod -> here.put(pod.name(), pod));
    Set<GrantKey> granted = new HashSet<>();
    for (PodPlacement caller : present) {
      for (InetSocketAddress called : FastPath.calls(snapshot, here.keySet())) {
        FastPath.Way way = FastPath.to(snapshot, called).from(caller.name());
        if (way.isByKernel()
            && way.endpoints().stream()
                .allMatch(each -> isTaken(snapshot, here, listeners, each))) {
          granted.add(new GrantKey(caller.cookie(), called));
        }
      }
    }
    return granted;
  }

  private static boolean isTaken(
      MeshSnapshot snapshot,
      Map<NamespacedName, PodPlacement> here,
      Map<Long, Listeners> listeners,
      InetSocketAddress endpoint) {
    PodPlacement pod = here.get(snapshot.workloadAt(endpoint.getAddress()).orElseThrow().name());
    return pod != null
        && (!listeners.containsKey(pod.cookie()) || listeners.get(pod.cookie()).take(endpoint));
  }

  /** Else a node of 500 pods and 10,000 services takes a processor for itself. */
  @Test
  void mostAddressesAreLookedAtOnce() {
    MeshSnapshot snapshot = mesh(new Random(1), 100);
    List<PodPlacement> present = pods(100);
    Map<Long, Listeners> nobody = new HashMap<>();
    present.forEach(pod -> nobody.put(pod.cookie(), new Listeners(Set.of())));

    long search =
        leastOfNone(
            () -> new GrantSearch(snapshot, present, nobody, () -> false).grants().keySet());
    long everyPair = leastOfNone(() -> ofEveryPair(snapshot, present, nobody));

    assertThat(search).isLessThan(everyPair / 10);
  }

  /** Processor time of this thread in which nothing is found, in nanoseconds. */
  private static long leastOfNone(Supplier<Set<GrantKey>> way) {
    return IntStream.range(0, 3)
        .mapToLong(_ -> {
          long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
          assertThat(way.get()).isEmpty();
          return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before;
        })
        .min()
        .orElseThrow();
  }

  private List<PodPlacement> pods(int count) {
    return IntStream.range(0, count)
        .mapToObj(pod ->
            FastPathKeeperTest.pod(netns, name(pod), pod + 1, IpAddresses.parse(address(pod))))
        .toList();
  }

  /** Pods, a service of each and of two pods, and what permits or hinders some of them. */
  private static MeshSnapshot mesh(Random random, int pods) {
    List<MeshObject> objects = new ArrayList<>();
    objects.add(new MeshSettings(random.nextInt(4) == 0, false, TrustDomain.CLUSTER_LOCAL));
    for (int pod = 0; pod < pods; pod++) {
      objects.add(Samples.workload(name(pod), address(pod), random.nextInt(8) > 0));
      objects.add(service(random, pods, pod));
      objects.add(
          random.nextBoolean()
              ? Samples.permission("p" + pod, name(pod), name(random.nextInt(pods)))
              : Samples.permission("p" + pod, name(pod), name(random.nextInt(pods)), PORT));
    }
    if (random.nextInt(4) == 0) {
      NamespacedName routed = new NamespacedName("shop", name(0));
      objects.add(
          new TrafficRoute(
              routed,
              routed,
              List.of(
                  new TrafficRoute.Rule(List.of(), List.of(new TrafficRoute.Backend(routed, 1))))));
    }
    return MeshSnapshot.of(1, true, objects);
  }

  private static Service service(Random random, int pods, int pod) {
    List<Endpoint> endpoints =
        Stream.of(pod, random.nextInt(3) == 0 ? random.nextInt(pods) : pod)
            .distinct()
            .map(each -> new InetSocketAddress(IpAddresses.parse(address(each)), PORT))
            .map(each -> new Endpoint(each, random.nextInt(8) > 0))
            .toList();
    return new Service(
        new NamespacedName("shop", name(pod)),
        List.of(IpAddresses.parse("10.96." + pod / 200 + "." + (1 + pod % 200))),
        List.of(
            new ServicePort(
                "", 80, random.nextInt(4) == 0 ? AppProtocol.HTTP : AppProtocol.TCP, endpoints)),
        random.nextInt(8) == 0 ? SessionAffinity.CLIENT_IP : SessionAffinity.NONE,
        Nearness.ANYWHERE);
  }

  private static String name(int pod) {
    return "pod-" + pod;
  }

  private static String address(int pod) {
    return "10.0." + pod / 200 + "." + (1 + pod % 200);
  }
}
