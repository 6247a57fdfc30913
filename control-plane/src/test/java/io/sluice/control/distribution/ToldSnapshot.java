package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceDecoder;
import io.sluice.mesh.ResourceKey;
import java.util.Map;

/** What of a mesh a node is told. */
public final class ToldSnapshot {
  private ToldSnapshot() {}

  /**
   * What the node of that name holds when it has taken all of {@code whole} that concerns it,
   * worked out from nothing.
   */
  public static MeshSnapshot of(MeshSnapshot whole, String node) {
    return assembled(whole.revision(), new FreshResources(whole).toldTo(node));
  }

  /** The same as the distribution has it. */
  static MeshSnapshot of(ResourceSets.ResourceSet set, String node) {
    return assembled(set.revision(), FreshResources.all(set.resourcesOf(node)));
  }

  private static MeshSnapshot assembled(long revision, Map<ResourceKey, Resource> told) {
    return MeshSnapshot.of(
        revision, true, told.values().stream().map(ResourceDecoder::decode).toList());
  }
}
