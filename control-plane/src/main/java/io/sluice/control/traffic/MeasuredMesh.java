package io.sluice.control.traffic;

import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.mesh.MeshSnapshot;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What is in the mesh, and what its nodes count. Any thread.
 *
 * @param snapshot the newest one of the registry
 * @param traffic what a node has counted of requests of late; fails where it does not follow
 */
public record MeasuredMesh(
    Supplier<MeshSnapshot> snapshot,
    Function<String, CompletableFuture<List<PodTraffic>>> traffic) {}
