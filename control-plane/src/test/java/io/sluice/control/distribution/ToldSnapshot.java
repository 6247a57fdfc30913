package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.wire.ResourceDecoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.SnapshotAssembly;
import java.util.HashMap;
import java.util.Map;

/** What of a mesh a node is told, worked out from nothing. */
public final class ToldSnapshot {
  private ToldSnapshot() {}

  /** What the node of that name holds when it has taken all of {@code whole} that concerns it. */
  public static MeshSnapshot of(MeshSnapshot whole, String node) {
    return of(new ResourceSet(whole, true, new Encodings()), node);
  }

  static MeshSnapshot of(ResourceSet set, String node) {
    return SnapshotAssembly.of(
        set.revision(),
        all(set.viewOf(node)).values().stream().map(ResourceDecoder::decode).toList());
  }

  static Map<ResourceKey, Resource> all(View view) {
    Map<ResourceKey, Resource> all = new HashMap<>(view.base().resources);
    all.putAll(view.overlay());
    return all;
  }
}
