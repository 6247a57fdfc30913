package io.sluice.control.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Routing;
import io.sluice.mesh.decision.Verdict;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a node is told is enough for every decision it makes, and not much more. */
class ScopeTest {
  private static final int MESHES = 50;
  private static final int MORE_MESHES = 1_000;
  private static final int CLIENT_PORT = 40_000;
  static final HttpRequest GET = new Get();

  @Test
  void everyFlowOfANodeIsDecidedAsWithTheWholeMesh() {
    compare(0, MESHES);
  }

  @Test
  @Tag("long")
  void everyFlowOfANodeIsDecidedAsWithTheWholeMeshInMoreOfThem() {
    compare(MESHES, MORE_MESHES);
  }

  private static void compare(int from, int end) {
    ResourceSets sets = new ResourceSets();
    int compared = 0;
    for (int seed = from; seed < end; seed++) {
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
    assertThat(compared).isGreaterThan(100 * (end - from));
  }

  private static int compareOutbound(
      int seed, String node, Workload pod, MeshSnapshot whole, MeshSnapshot told) {
    int compared = 0;
    for (InetAddress address : RandomMesh.addresses()) {
      for (int port : RandomMesh.PORTS) {
        InetSocketAddress called = new InetSocketAddress(address, port);
        Flow call = new Flow(pod.name(), source(pod), called);
        assertThat(handling(told, Direction.OUTBOUND, pod, call))
            .as("seed %d, %s on %s calls %s", seed, pod.name(), node, called)
            .isEqualTo(handling(whole, Direction.OUTBOUND, pod, call));
        assertThat(backends(told, called))
            .as("seed %d, %s on %s calls %s", seed, pod.name(), node, called)
            .isEqualTo(backends(whole, called));
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

  /** How a call is carried that is not refused in any case, where it makes no difference. */
  private static Optional<Handling> handling(
      MeshSnapshot by, Direction direction, Workload pod, Flow flow) {
    boolean mayGoOn =
        direction == Direction.INBOUND
            || outcomes(by, pod, flow.destination()).stream()
                .anyMatch(outcome ->
                    !(outcome instanceof Verdict refused)
                        || refused.isAllowed()
                        || refused.reason() == Reason.HTTP_ONLY);
    return mayGoOn ? Optional.of(Handling.of(by, direction, pod.name(), flow)) : Optional.empty();
  }

  /** Where bytes and requests may be sent on to. */
  private static Set<Routing.Way> backends(MeshSnapshot by, InetSocketAddress called) {
    Set<Routing.Way> found = new HashSet<>();
    by.serviceAt(called.getAddress())
        .ifPresent(service -> {
          for (int seed = 0; seed < 4; seed++) {
            found.add(way(by, service, called.getPort(), null, seed));
            found.add(way(by, service, called.getPort(), GET, seed));
          }
        });
    return found;
  }

  /** Services are told otherwise where they may not be called, but under the same names. */
  private static Routing.Way way(
      MeshSnapshot by, Service called, int port, @Nullable HttpRequest request, int seed) {
    Routing.Way way = Routing.way(by, called, port, "shop", request, new Random(seed));
    return way
            instanceof
            Routing.Way.To(
                Service to,
                int at,
                HttpFilters filters,
                var limits,
                var faults,
                var session,
                var said)
        ? new Routing.Way.To(
            new Service(to.name(), List.of(), List.of(), to.affinity(), Nearness.ANYWHERE),
            at,
            filters,
            limits,
            faults,
            session,
            said)
        : way;
  }

  private record Get() implements HttpRequest {
    @Override
    public String method() {
      return "GET";
    }

    @Override
    public String authority() {
      return "shop";
    }

    @Override
    public String path() {
      return "/buy";
    }

    @Override
    public @Nullable String header(String name) {
      return null;
    }
  }

  private static InetSocketAddress source(Workload pod) {
    return new InetSocketAddress(pod.addresses().getFirst(), CLIENT_PORT);
  }

  private static Verdict verdict(MeshSnapshot by, Workload pod, InetSocketAddress destination) {
    return Decisions.decide(by, new Flow(pod.name(), source(pod), destination));
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
          assertSame(seed, node, decided(whole, unproven), told, unproven);
          for (Workload caller : whole.workloads()) {
            List<Verdict> expected =
                decided(whole, Flow.certified(whole, caller.identity(), source, destination));
            assertSame(
                seed,
                node,
                expected,
                told,
                Flow.certified(told, caller.identity(), source, destination));
            compared++;
          }
        }
        Flow arrival = new Flow(null, source(pod), destination);
        assertThat(Handling.of(told, Direction.INBOUND, pod.name(), arrival))
            .as("seed %d, %s on %s is called at %s", seed, pod.name(), node, destination)
            .isEqualTo(Handling.of(whole, Direction.INBOUND, pod.name(), arrival));
        for (Workload neighbour : podsOf(whole, node)) {
          Flow local =
              new Flow(
                  neighbour.name(),
                  new InetSocketAddress(neighbour.addresses().getFirst(), CLIENT_PORT),
                  destination);
          assertSame(seed, node, decided(whole, local), told, local);
        }
      }
    }
    return compared;
  }

  private static void assertSame(
      int seed, String node, List<Verdict> expected, MeshSnapshot told, Flow flow) {
    List<Verdict> verdict = decided(told, flow);
    if (!verdict.equals(expected)) { // a description for each of millions would take minutes
      assertThat(verdict).as("seed %d, node %s, %s", seed, node, flow).isEqualTo(expected);
    }
  }

  /** As bytes, as a connection of requests, and one request. */
  private static List<Verdict> decided(MeshSnapshot by, Flow flow) {
    return List.of(
        Decisions.decide(by, flow),
        Decisions.decide(by, flow.byRequest()),
        Decisions.decide(by, flow, GET));
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
