package io.sluice.mesh;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which endpoints of a service go before others for a pod that calls, as {@code
 * spec.trafficDistribution} and {@code spec.internalTrafficPolicy} have it.
 */
public enum Nearness {
  /** All are alike. */
  ANYWHERE,
  /** Those of the caller's zone go first. */
  PREFER_ZONE,
  /** Those of the caller's node go first, then those of its zone. */
  PREFER_NODE,
  /** There are no others than those of the caller's node. */
  ONLY_NODE;

  /** The nearer one first. */
  private enum Place {
    NODE,
    ZONE,
    ELSEWHERE
  }

  /** The endpoints that {@code caller} may call, whether they are near or not. */
  public List<Endpoint> within(List<Endpoint> endpoints, MeshSnapshot snapshot, Caller caller) {
    return this == ONLY_NODE ? at(Place.NODE, endpoints, snapshot, caller) : endpoints;
  }

  /**
   * Those that go first, in the order in which they are to be tried; each but the last list leaves
   * something out. Empty where all are alike.
   */
  public List<List<Endpoint>> first(
      List<Endpoint> endpoints, MeshSnapshot snapshot, Caller caller) {
    return switch (this) {
      case ANYWHERE, ONLY_NODE -> List.of();
      case PREFER_ZONE -> List.of(at(Place.ZONE, endpoints, snapshot, caller));
      case PREFER_NODE ->
          List.of(
              at(Place.NODE, endpoints, snapshot, caller),
              at(Place.ZONE, endpoints, snapshot, caller));
    };
  }

  /** Where a pod is that calls. */
  public record Caller(@Nullable String nodeOrNull, @Nullable String zoneOrNull) {
    /** Of a pod; nowhere where it is not known. */
    public static Caller of(MeshSnapshot snapshot, NamespacedName pod) {
      return snapshot
          .workload(pod)
          .map(one -> new Caller(one.nodeNameOrNull(), one.zoneOrNull()))
          .orElse(new Caller(null, null));
    }

    private Place of(Workload other) {
      if (nodeOrNull != null && nodeOrNull.equals(other.nodeNameOrNull())) {
        return Place.NODE;
      }
      return zoneOrNull != null && zoneOrNull.equals(other.zoneOrNull())
          ? Place.ZONE
          : Place.ELSEWHERE;
    }
  }

  private static List<Endpoint> at(
      Place furthest, List<Endpoint> endpoints, MeshSnapshot snapshot, Caller caller) {
    List<Endpoint> near = new ArrayList<>(endpoints.size());
    for (Endpoint endpoint : endpoints) {
      Optional<Workload> pod = snapshot.workloadAt(endpoint.address().getAddress());
      if (pod.isPresent() && caller.of(pod.get()).compareTo(furthest) <= 0) {
        near.add(endpoint);
      }
    }
    return near;
  }
}
