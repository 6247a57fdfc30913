package io.sluice.control.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What follows from change after change is what follows from the whole, for every node. */
class ResourceSetsTest {
  private static final int MESHES = 150;
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
    int unusable = 0;
    for (int seed = 0; seed < MESHES; seed++) {
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
