package io.sluice.control.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Verdict;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a node is told is enough for every decision it makes, and not much more. */
class ScopeTest {
  private static final int MESHES = 500;
  private static final int CLIENT_PORT = 40_000;

  @Test
  void everyFlowOfANodeIsDecidedAsWithTheWholeMesh() {
    ResourceSets sets = new ResourceSets();
    int compared = 0;
    for (int seed = 0; seed < MESHES; seed++) {
      MeshSnapshot whole = new RandomMesh(seed).snapshot(seed + 1);
      ResourceSets.ResourceSet set = sets.next(whole);
      for (String node : RandomMesh.NODES) {
        MeshSnapshot told = ToldSnapshot.of(set, node);
        for (Workload pod : podsOf(whole, node)) {
          assertThat(told.workload(pod.name())).contains(pod);
          compared += compareOutbound(seed, node, pod, whole, told);
          compared += compareInbound(seed, node, pod, whole, told);
        }
      }
    }
    assertThat(compared).isGreaterThan(100 * MESHES);
  }

  private static int compareOutbound(
      int seed, String node, Workload pod, MeshSnapshot whole, MeshSnapshot told) {
    int compared = 0;
    for (InetAddress address : RandomMesh.addresses()) {
      for (int port : RandomMesh.PORTS) {
        InetSocketAddress called = new InetSocketAddress(address, port);
        assertThat(outcomes(told, pod, called))
            .as("seed %d, %s on %s calls %s", seed, pod.name(), node, called)
            .isEqualTo(outcomes(whole, pod, called));
        compared++;
      }
    }
    return compared;
  }

  /** Everything that the client's side may come to, whichever endpoint is picked. */
  private static Set<Object> outcomes(MeshSnapshot by, Workload pod, InetSocketAddress called) {
    Optional<Service> service = by.serviceAt(called.getAddress());
    if (service.isEmpty()) {
      return Set.of(verdict(by, pod, called));
    }
    Optional<ServicePort> port = service.get().port(called.getPort());
    if (port.isEmpty()) {
      return Set.of("unknown service port");
    }
    return port.get().endpoints().stream()
        .filter(endpoint ->
            endpoint.ready()
                && endpoint.address().getAddress().getClass() == called.getAddress().getClass())
        .<Object>map(endpoint -> {
          Verdict verdict = verdict(by, pod, endpoint.address());
          return verdict.isAllowed() ? List.of(endpoint, verdict) : verdict;
        })
        .collect(Collectors.toSet());
  }

  private static Verdict verdict(MeshSnapshot by, Workload pod, InetSocketAddress destination) {
    InetSocketAddress own = new InetSocketAddress(pod.addresses().getFirst(), CLIENT_PORT);
    return Decisions.decide(by, new Flow(pod.name(), own, destination));
  }

  private static int compareInbound(
      int seed, String node, Workload pod, MeshSnapshot whole, MeshSnapshot told) {
    int compared = 0;
    for (InetAddress own : pod.addresses()) {
      for (int port : RandomMesh.PORTS) {
        InetSocketAddress destination = new InetSocketAddress(own, port);
        for (InetAddress from : RandomMesh.addresses()) {
          InetSocketAddress source = new InetSocketAddress(from, CLIENT_PORT);
          Flow unproven = new Flow(null, source, destination);
          assertSame(seed, node, Decisions.decide(whole, unproven), told, unproven);
          for (Workload caller : whole.workloads()) {
            Verdict expected =
                Decisions.decide(
                    whole, Flow.certified(whole, caller.identity(), source, destination));
            assertSame(
                seed,
                node,
                expected,
                told,
                Flow.certified(told, caller.identity(), source, destination));
            compared++;
          }
        }
        for (Workload neighbour : podsOf(whole, node)) {
          Flow local =
              new Flow(
                  neighbour.name(),
                  new InetSocketAddress(neighbour.addresses().getFirst(), CLIENT_PORT),
                  destination);
          assertSame(seed, node, Decisions.decide(whole, local), told, local);
        }
      }
    }
    return compared;
  }

  private static void assertSame(
      int seed, String node, Verdict expected, MeshSnapshot told, Flow flow) {
    Verdict verdict = Decisions.decide(told, flow);
    if (!verdict.equals(expected)) { // a description for each of millions would take minutes
      assertThat(verdict).as("seed %d, node %s, %s", seed, node, flow).isEqualTo(expected);
    }
  }

  private static List<Workload> podsOf(MeshSnapshot whole, String node) {
    return whole.workloads().stream()
        .filter(pod -> pod.enrolled() && pod.nodeName().map(node::equals).orElse(true))
        .toList();
  }

  @Test
  void nodeWithoutEnrolledPodsIsToldOfNoOthers() {
    MeshSnapshot whole = new RandomMesh(4).snapshot(1);

    NodeResources view = new ResourceSets().next(whole).resourcesOf("edge9");

    Set<String> unplaced =
        whole.workloads().stream()
            .filter(pod -> pod.nodeName().isEmpty())
            .map(pod -> pod.name().toString())
            .collect(Collectors.toSet());
    assertThat(unplaced).as("the seed is for a mesh without them").isEmpty();
    assertThat(FreshResources.all(view).keySet().stream().map(ResourceKey::toString))
        .containsExactlyInAnyOrderElementsOf(Stream.of("settings/mesh", "namespace/shop").toList());
  }
}
