package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.control.distribution.NodeScopes.Scope;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.PersistentMap;
import io.sluice.wire.ResourceKey;
import java.util.List;
import java.util.Objects;

/**
 * One snapshot as resources, and what each node needs of it so that it decides as with all of it.
 * Immutable; shares with those before and after it what is the same.
 */
final class ResourceSet {
  private final MeshSnapshot snapshot;
  private final boolean complete;
  private final List<String> problems;
  private final PersistentMap<ResourceKey, Resource> quiet;
  private final PersistentMap<ResourceKey, Resource> busy;
  private final PersistentMap<String, Scope> scopes;
  private final long madeNanos = System.nanoTime();

  /**
   * @param quiet for every node
   * @param busy for every node with an enrolled pod
   * @param scopes what nodes have besides
   */
  ResourceSet(
      MeshSnapshot snapshot,
      boolean complete,
      List<String> problems,
      PersistentMap<ResourceKey, Resource> quiet,
      PersistentMap<ResourceKey, Resource> busy,
      PersistentMap<String, Scope> scopes) {
    this.snapshot = snapshot;
    this.complete = complete;
    this.problems = problems;
    this.quiet = quiet;
    this.busy = busy;
    this.scopes = scopes;
  }

  /** What the node of that name needs. */
  View viewOf(String nodeName) {
    Scope own = scopes.get(nodeName);
    Scope scope = own == null ? Objects.requireNonNull(scopes.get(NodeScopes.NO_PODS)) : own;
    return new View(scope.busy() ? busy : quiet, scope.overlay());
  }

  /** Whether the settings can be told; without them nothing else has a meaning. */
  boolean isUsable() {
    return quiet.containsKey(ResourceKey.SETTINGS);
  }

  long revision() {
    return snapshot.revision();
  }

  MeshSnapshot snapshot() {
    return snapshot;
  }

  boolean isComplete() {
    return complete;
  }

  /** Objects that no node is told of, and why. */
  List<String> problems() {
    return problems;
  }

  /** When it was made, by {@link System#nanoTime}. */
  long madeNanos() {
    return madeNanos;
  }
}
