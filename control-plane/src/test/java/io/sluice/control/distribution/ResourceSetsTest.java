package io.sluice.control.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.WireLimits;
import io.sluice.mesh.decision.Routing;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What follows from change after change is what follows from the whole, for every node. */
class ResourceSetsTest {
  private static final int MESHES = 30;
  private static final int MORE_MESHES = 150;
  private static final int CHANGES = 60;

  /** Some meshes jump now and then to another that has nothing to do with it. */
  private static final int JUMP = 25;

  private static List<String> nodes() {
    List<String> nodes = new ArrayList<>(RandomMesh.NODES);
    nodes.add("edge9"); // no pod runs there
    return nodes;
  }

  @Test
  void everyNodeIsToldAfterEachChangeWhatAFreshLookAtTheMeshWouldTellIt() {
    compare(0, MESHES);
  }

  @Test
  @Tag("long")
  void everyNodeIsToldWhatAFreshLookAtMoreMeshesWouldTellIt() {
    compare(MESHES, MORE_MESHES);
  }

  private static void compare(int from, int end) {
    int unusable = 0;
    for (int seed = from; seed < end; seed++) {
      RandomMesh mesh = new RandomMesh(seed, seed % 2 == 0);
      ResourceSets sets = new ResourceSets();
      MeshSnapshot snapshot = mesh.snapshot(1);
      for (int change = 0; change < CHANGES; change++) {
        ResourceSets.ResourceSet set = sets.next(snapshot);
        FreshResources fresh = new FreshResources(snapshot);
        for (String node : nodes()) {
          assertThat(FreshResources.all(set.resourcesOf(node)))
              .as("seed %d, change %d, node %s", seed, change, node)
              .isEqualTo(fresh.toldTo(node));
        }
        assertThat(set.problems()).containsExactlyElementsOf(fresh.problems());
        unusable += set.problems().size();
        snapshot =
            change % JUMP == JUMP - 1
                ? mesh.snapshot(snapshot.revision() + 1)
                : mesh.changed(snapshot);
      }
    }
    assertThat(unusable).isPositive();
  }

  @Test
  void whatIsTooLargeForNodesIsToldThemClosed() {
    NamespacedName shop = new NamespacedName("shop", "web");
    Service web = new Service(shop, List.of(IpAddresses.parse("10.96.0.1")), List.of(port(40_001)));
    SnapshotEditor editor = new RandomMesh(1).snapshot(1).edit();
    editor.put(web);
    editor.put(
        new TrafficRoute(
            shop,
            shop,
            TrafficRoute.Origin.GATEWAY_API,
            null,
            Collections.nCopies(
                WireLimits.ROUTE_RULES + 1, new TrafficRoute.Rule(List.of(), List.of()))));
    Ingress.Backend backend = new Ingress.Backend(shop, 8080);
    editor.put(
        new Ingress(
            shop,
            Ingress.Origin.ACCESS_CONTROL,
            Set.of(backend),
            Set.of(backend),
            Collections.nCopies(16_385, Cidr.parse("192.0.2.0/24")),
            new Access.Requests(List.of())));
    ResourceSets.ResourceSet set = new ResourceSets().next(editor.snapshot(2));
    MeshSnapshot told = ToldSnapshot.of(set, RandomMesh.NODES.getFirst());

    assertThat(set.problems())
        .satisfiesExactly(
            one -> assertThat(one).startsWith("ingress/").contains("16385 entries"),
            one -> assertThat(one).startsWith("route/").contains("1025 entries"),
            one -> assertThat(one).startsWith("service/").contains("40001 entries"));
    assertThat(Routing.way(told, web, 80, "shop", null, new Random(1)))
        .isInstanceOf(Routing.Way.To.class);
    assertThat(Routing.ways(told, web, 80, "shop", ScopeTest.GET))
        .extracting(Routing.Share::way)
        .containsExactly(
            new Routing.Way.Answer(500, new TrafficRoute.Unmatched(web.name(), List.of())));
    assertThat(told.all(Kind.INGRESS))
        .singleElement()
        .satisfies(closed -> {
          assertThat(closed.backends()).containsExactly(backend);
          assertThat(closed.sources()).isEmpty();
        });
    assertThat(told.service(shop).orElseThrow().port(80).orElseThrow().endpoints()).isEmpty();
  }

  private static ServicePort port(int endpoints) {
    return new ServicePort(
        "web",
        80,
        AppProtocol.HTTP,
        Collections.nCopies(
            endpoints,
            new Endpoint(new InetSocketAddress(IpAddresses.parse("10.9.0.1"), 8080), true)));
  }

  @Test
  void differencesLeadFromEveryViewToEveryLaterOne() {
    for (int seed = 0; seed < MESHES; seed++) {
      RandomMesh mesh = new RandomMesh(seed);
      ResourceSets sets = new ResourceSets();
      MeshSnapshot snapshot = mesh.snapshot(1);
      ResourceSets.ResourceSet former = sets.next(snapshot);
      for (int change = 1; change < CHANGES; change++) {
        snapshot = mesh.changed(snapshot);
        ResourceSets.ResourceSet next = sets.next(snapshot);
        for (String node : nodes()) {
          NodeResources from = former.resourcesOf(node);
          assertLeads(from, next.resourcesOf(node));
          assertLeads(NodeResources.held(FreshResources.all(from)), next.resourcesOf(node));
          assertThat(
                  NodeResources.Delta.between(next.resourcesOf(node), next.resourcesOf(node))
                      .isEmpty())
              .isTrue();
        }
        former = change % 3 == 0 ? next : former;
      }
    }
  }

  private static void assertLeads(NodeResources from, NodeResources to) {
    NodeResources.Delta delta = NodeResources.Delta.between(from, to);

    Map<ResourceKey, Resource> reached = new HashMap<>(FreshResources.all(from));
    delta.removed().forEach(reached::remove);
    delta
        .changed()
        .forEach(resource -> reached.put(ResourceKey.parse(resource.getName()), resource));
    assertThat(reached).isEqualTo(FreshResources.all(to));
    assertThat(delta.grows()).isEqualTo(reached.size() - FreshResources.all(from).size());
  }

  @Test
  void whatOnlyAnEarlierViewHasStaysUntilTheRegistryIsKnown() {
    for (int seed = 0; seed < MESHES; seed++) {
      RandomMesh mesh = new RandomMesh(seed);
      ResourceSets sets = new ResourceSets();
      MeshSnapshot before = mesh.snapshot(1);
      NodeResources earlier = sets.next(before).resourcesOf("edge1");
      NodeResources later = sets.next(mesh.snapshot(2)).resourcesOf("edge1");

      Map<ResourceKey, Resource> expected = new HashMap<>(FreshResources.all(earlier));
      expected.putAll(FreshResources.all(later));

      assertThat(FreshResources.all(later.with(earlier))).isEqualTo(expected);
    }
  }
}
