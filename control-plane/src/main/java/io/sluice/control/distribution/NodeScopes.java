package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What each node is told besides what it has in common with others. A change of pods makes the
 * scopes of the nodes anew that it may concern; one of permissions and services edits those of the
 * nodes that read them. One thread.
 */
final class NodeScopes {
  /** Stands for every node that no pod is placed on; no node has this name. */
  static final String NO_PODS = "";

  /**
   * One node's.
   *
   * @param busy whether it has an enrolled pod
   * @param overlay what is its own
   */
  record Scope(boolean busy, PersistentMap<ResourceKey, Resource> overlay) {
    static final Scope EMPTY = new Scope(false, PersistentMap.empty());
  }

  private final Encodings encodings;
  private final ServiceForms services;
  private final SetIndex<NamespacedName, String> granteesOf = new SetIndex<>();
  private final SetIndex<NamespacedName, String> callersOf = new SetIndex<>();
  private final Map<String, NodeScope> nodes = new HashMap<>();
  private PersistentMap<String, Scope> scopes =
      PersistentMap.<String, Scope>empty().with(NO_PODS, Scope.EMPTY);

  NodeScopes(Encodings encodings, ServiceForms services) {
    this.encodings = encodings;
    this.services = services;
  }

  /** By node; one without pods has none of its own. */
  PersistentMap<String, Scope> scopes() {
    return scopes;
  }

  /**
   * Goes from one snapshot to the next, of which everything else has been updated.
   *
   * @param retold services that are told otherwise now
   */
  void update(
      MeshSnapshot before,
      MeshSnapshot after,
      SnapshotDifference difference,
      ServiceForms.Retold retold) {
    Set<String> remade = podsChanged(before, after, difference);
    Set<NamespacedName> destinations = new HashSet<>();
    Set<String> edited = permissionsChanged(difference, destinations);
    retold.accounts().forEach(account -> edited.addAll(callersOf.get(account)));
    NodeScope.Mesh mesh = new NodeScope.Mesh(after, encodings, services);
    for (String node : edited) {
      if (!remade.contains(node)) {
        edit(node, mesh, difference.permissions(), destinations, retold.services());
      }
    }
    remade.forEach(node -> remake(node, mesh));
  }

  /** Nodes whose scope may hold other pods now. */
  private Set<String> podsChanged(
      MeshSnapshot before, MeshSnapshot after, SnapshotDifference difference) {
    Set<String> concerned = new HashSet<>();
    for (Change<Workload> change : difference.of(Kind.WORKLOAD)) {
      change
          .both()
          .forEach(pod -> {
            addReaders(pod, before, concerned);
            addReaders(pod, after, concerned);
          });
    }
    if (concerned.contains(NO_PODS)) {
      concerned.addAll(nodes.keySet()); // what is nobody's may be anybody's
    }
    return concerned;
  }

  private static String nodeOf(Workload pod) {
    return pod.nodeName().orElse(NO_PODS);
  }

  /** Nodes whose scope holds the pod, or another that arrivals at their own are decided by. */
  private static void addReaders(Workload pod, MeshSnapshot snapshot, Set<String> readers) {
    readers.add(nodeOf(pod));
    for (InetAddress address : pod.addresses()) {
      for (Workload sharing : snapshot.workloadsAt(address)) {
        if (sharing.enrolled()) {
          readers.add(nodeOf(sharing));
        }
      }
    }
  }

  /** Nodes that one of the permissions may concern; gathers whom they allow to be called. */
  private Set<String> permissionsChanged(
      SnapshotDifference difference, Set<NamespacedName> destinations) {
    Set<String> concerned = new HashSet<>();
    for (Change<Permission> change : difference.of(Kind.PERMISSION)) {
      change
          .both()
          .forEach(permission -> {
            addGrantees(permission, concerned);
            destinations.add(permission.destination());
          });
    }
    return concerned;
  }

  private void addGrantees(Permission permission, Set<String> grantees) {
    grantees.addAll(granteesOf.get(permission.destination()));
    permission.sources().forEach(source -> grantees.addAll(granteesOf.get(source)));
  }

  private void edit(
      String node,
      NodeScope.Mesh mesh,
      Set<NamespacedName> permissions,
      Set<NamespacedName> destinations,
      Set<NamespacedName> retold) {
    NodeScope scope = Objects.requireNonNull(nodes.get(node));
    for (NamespacedName account : scope.recheck(mesh, permissions, destinations, retold)) {
      if (scope.called().contains(account)) {
        callersOf.add(account, node);
      } else {
        callersOf.remove(account, node);
      }
    }
    scopes = scopes.with(node, new Scope(scope.isBusy(), scope.overlay()));
  }

  private void remake(String node, NodeScope.Mesh mesh) {
    NodeScope former = nodes.getOrDefault(node, new NodeScope());
    List<Workload> own = mesh.podsOf(node);
    NodeScope now = new NodeScope();
    if (own.isEmpty() && !node.equals(NO_PODS)) {
      nodes.remove(node);
      scopes = scopes.without(node);
    } else {
      now = new NodeScope(own, mesh.podsOf(NO_PODS), mesh, former);
      nodes.put(node, now);
      scopes = scopes.with(node, new Scope(now.isBusy(), now.overlay()));
    }
    granteesOf.move(former.granted(), now.granted(), node);
    callersOf.move(former.called(), now.called(), node);
  }
}
