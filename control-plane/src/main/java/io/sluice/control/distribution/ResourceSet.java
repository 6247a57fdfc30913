package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.distribution.NodeScopes.Scope;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.ResourceKey;
import java.util.List;
import java.util.Objects;

/**
 * One snapshot as resources, and what each node needs of it so that it decides as with all of it.
 * Immutable; shares with those before and after it what is the same.
 *
 * @param problems objects that no node is told of, and why
 * @param quiet for every node
 * @param busy for every node with an enrolled pod
 * @param scopes what nodes have besides
 * @param madeNanos when it was made, by {@link System#nanoTime}
 */
record ResourceSet(
    MeshSnapshot snapshot,
    List<String> problems,
    PersistentMap<ResourceKey, Resource> quiet,
    PersistentMap<ResourceKey, Resource> busy,
    PersistentMap<String, Scope> scopes,
    long madeNanos) {
  /** What the node of that name needs. */
  View viewOf(String nodeName) {
    Scope own = scopes.get(nodeName);
    Scope scope = own == null ? Objects.requireNonNull(scopes.get(NodeScopes.NO_PODS)) : own;
    return new View(scope.busy() ? busy : quiet, scope.overlay());
  }

  /** Whether the settings can be told; without them nothing else has a meaning. */
  boolean isUsable() {
    return quiet.containsKey(Kind.SETTINGS.key(MeshSettings.NAME));
  }

  long revision() {
    return snapshot.revision();
  }
}
