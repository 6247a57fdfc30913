package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.distribution.NodeScopes.Scope;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes one set of resources after the other; each costs what differs from the one before and the
 * nodes that it concerns, except where the policy mode changes. One thread.
 *
 * <p>After an exception, which would be a mistake in here, it may not be used any longer.
 */
final class ResourceSets {
  private final Encodings encodings = new Encodings();
  private final CommonResources common = new CommonResources(encodings);
  private final ServiceForms services = new ServiceForms(encodings, common);
  private final NodeScopes scopes = new NodeScopes(encodings, services);
  private MeshSnapshot present = MeshSnapshot.EMPTY;

  /** The set of that snapshot, which need not be newer than the one before. */
  ResourceSet next(MeshSnapshot after) {
    MeshSnapshot before = present;
    SnapshotDifference difference = after.since(before);
    Set<NamespacedName> pods = new HashSet<>(difference.workloads());
    Set<NamespacedName> called = new HashSet<>(difference.services());
    if (before.settings().permissive() == after.settings().permissive()) {
      Set<InetAddress> addresses = ownedOtherwise(difference);
      called.addAll(services.at(addresses));
      for (InetAddress address : addresses) {
        after.workloadsAt(address).forEach(pod -> pods.add(pod.name()));
      }
    } else {
      after.workloads().forEach(pod -> pods.add(pod.name()));
      after.services().stream().map(Service::name).forEach(called::add);
    }
    common.update(difference);
    common.tellPods(after, pods);
    encodings.update(difference);
    scopes.update(before, after, difference, services.update(after, called));
    present = after;
    return new ResourceSet(
        after,
        encodings.problems(),
        common.quiet(),
        common.busy(),
        scopes.scopes(),
        System.nanoTime());
  }

  /** Addresses at which other objects may find another pod than before, or another about it. */
  private static Set<InetAddress> ownedOtherwise(SnapshotDifference difference) {
    Set<InetAddress> addresses = new HashSet<>();
    for (Change<Workload> change : difference.of(Kind.WORKLOAD)) {
      if (!sameOwner(change.beforeOrNull(), change.afterOrNull())) {
        change.both().forEach(pod -> addresses.addAll(pod.addresses()));
      }
    }
    return addresses;
  }

  private static boolean sameOwner(@Nullable Workload was, @Nullable Workload is) {
    return was != null
        && is != null
        && was.enrolled() == is.enrolled()
        && Objects.equals(was.identity(), is.identity())
        && was.addresses().equals(is.addresses());
  }

  /**
   * One snapshot as resources, and what each node needs of it so that it decides as with all of it.
   * Immutable; shares with those before and after it what is the same.
   *
   * @param problems objects that no node is told of as they are, and why
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
    NodeResources resourcesOf(String nodeName) {
      Scope own = scopes.get(nodeName);
      Scope scope = own == null ? Objects.requireNonNull(scopes.get(NodeScopes.NO_PODS)) : own;
      return new NodeResources(scope.busy() ? busy : quiet, scope.overlay());
    }

    /** Whether the settings can be told; without them nothing else has a meaning. */
    boolean isUsable() {
      return quiet.containsKey(Kind.SETTINGS.key(MeshSettings.NAME));
    }

    long revision() {
      return snapshot.revision();
    }
  }
}
