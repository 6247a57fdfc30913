package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Access;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.UnusableResourceException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Resources of objects. What cannot be encoded is told, and hurts nothing else: nodes are told what
 * is left of it {@link #closed}. One thread.
 */
final class Encodings {
  private static final int MOST_PROBLEMS = 100;

  /** In how much detail an object is told. */
  enum Form {
    /** As it is. */
    WHOLE,
    /** As far as it concerns nodes that do not run it, or may not call it. */
    REDUCED
  }

  private record Slot(Form form, ResourceKey key) {}

  private final Map<Slot, String> problems = new HashMap<>();

  /** What only some nodes are told, as it is: pods, permissions, services. */
  private final Map<ResourceKey, Resource> whole = new HashMap<>();

  /**
   * The resource of {@code object}, or of what is left of it closed; null where there can be none.
   *
   * @param former what the object was told as before; the result where that still holds
   */
  @Nullable Resource encode(Form form, MeshObject object, @Nullable Resource former) {
    Slot slot = new Slot(form, object.key());
    try {
      Resource encoded = ResourceEncoder.encode(object);
      problems.remove(slot);
      return kept(encoded, former);
    } catch (UnusableResourceException e) {
      problems.put(slot, String.valueOf(e.getMessage()));
      return encodeClosed(object, former);
    }
  }

  private static @Nullable Resource encodeClosed(MeshObject object, @Nullable Resource former) {
    Optional<MeshObject> closed = closed(object);
    try {
      return closed.isEmpty() ? null : kept(ResourceEncoder.encode(closed.get()), former);
    } catch (UnusableResourceException e) {
      return null; // the same is wrong with it, which is told
    }
  }

  private static Resource kept(Resource encoded, @Nullable Resource former) {
    return former != null && former.getVersion().equals(encoded.getVersion()) ? former : encoded;
  }

  /**
   * What nodes are told in place of an object that they cannot take: calls that it is about are
   * refused, where without it they would go past it. Empty of one without which nothing more is let
   * through, such as a permission.
   */
  static Optional<MeshObject> closed(MeshObject object) {
    return Optional.ofNullable(
        switch (object) {
          case TrafficRoute route ->
              new TrafficRoute(
                  route.name(),
                  route.service(),
                  route.origin(),
                  route.clientsOrNull(),
                  List.of(new TrafficRoute.Rule(List.of(), List.of())));
          case Ingress ingress ->
              new Ingress(
                  ingress.name(),
                  ingress.origin(),
                  ingress.backends(),
                  Set.of(),
                  List.of(),
                  new Access.Requests(List.of()));
          case Service service ->
              new Service(
                  service.name(),
                  service.virtualAddresses(),
                  service.ports().stream()
                      .map(port -> new ServicePort("", port.port(), port.protocol(), List.of()))
                      .toList(),
                  service.affinity(),
                  Nearness.ANYWHERE);
          default -> null;
        });
  }

  /** The object is no longer told in that form. */
  void forget(Form form, ResourceKey key) {
    problems.remove(new Slot(form, key));
  }

  /** What was left out and still is, in order. */
  List<String> problems() {
    return problems.values().stream().distinct().sorted().limit(MOST_PROBLEMS).toList();
  }

  /** Takes the pods and permissions that differ. */
  void update(SnapshotDifference difference) {
    difference.of(Kind.WORKLOAD).forEach(this::take);
    difference.of(Kind.PERMISSION).forEach(this::take);
  }

  private void take(Change<?> change) {
    MeshObject after = change.afterOrNull();
    if (after == null) {
      removeWhole(change.key());
    } else {
      putWhole(after);
    }
  }

  /** What {@code object} is told as; null where it cannot be. */
  @Nullable Resource putWhole(MeshObject object) {
    ResourceKey key = object.key();
    Resource encoded = encode(Form.WHOLE, object, whole.get(key));
    if (encoded == null) {
      whole.remove(key);
    } else {
      whole.put(key, encoded);
    }
    return encoded;
  }

  void removeWhole(ResourceKey key) {
    whole.remove(key);
    forget(Form.WHOLE, key);
  }

  /** What only some nodes are told under that name; null for nothing. */
  @Nullable Resource whole(ResourceKey key) {
    return whole.get(key);
  }
}
