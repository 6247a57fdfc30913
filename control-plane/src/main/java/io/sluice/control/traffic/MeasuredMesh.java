package io.sluice.control.traffic;

import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.mesh.MeshSnapshot;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What is in the mesh, and what its nodes count. Any thread. */
public interface MeasuredMesh {
  /** The newest snapshot of the registry. */
  MeshSnapshot snapshot();

  /** What a node has counted of requests of late; fails where it does not follow. */
  CompletableFuture<List<PodTraffic>> traffic(String node);
}
