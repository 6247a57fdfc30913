package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.Workload;
import io.sluice.wire.ResourceKey;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What each node is told besides what it has in common with others. A change makes the scopes of
 * those nodes anew that it may concern; each costs what runs on that node. One thread.
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

  /** Accounts whose permissions, and whose services, are part of a node's scope. */
  private record Reads(Set<NamespacedName> granted, Set<NamespacedName> called) {
    static final Reads NOTHING = new Reads(Set.of(), Set.of());
  }

  private final WholeResources whole;
  private final ServiceForms services;
  private final SetIndex<String, NamespacedName> podsByNode = new SetIndex<>();
  private final SetIndex<NamespacedName, NamespacedName> permissionsBySource = new SetIndex<>();
  private final SetIndex<NamespacedName, String> granteesOf = new SetIndex<>();
  private final SetIndex<NamespacedName, String> callersOf = new SetIndex<>();
  private final Map<String, Reads> reads = new HashMap<>();
  private PersistentMap<String, Scope> scopes =
      PersistentMap.<String, Scope>empty().with(NO_PODS, Scope.EMPTY);

  NodeScopes(WholeResources whole, ServiceForms services) {
    this.whole = whole;
    this.services = services;
  }

  /** By node; one without pods has none of its own. */
  PersistentMap<String, Scope> scopes() {
    return scopes;
  }

  /**
   * Goes from one snapshot to the next, of which everything else has been updated.
   *
   * @param calledOtherwise accounts of which callers are told of other services now
   */
  void update(
      MeshSnapshot before,
      MeshSnapshot after,
      SnapshotDifference difference,
      Set<NamespacedName> calledOtherwise) {
    Set<String> concerned = new HashSet<>();
    for (NamespacedName name : difference.workloads()) {
      before
          .workload(name)
          .ifPresent(pod -> {
            podsByNode.remove(nodeOf(pod), name);
            addReaders(pod, before, concerned);
            addReaders(pod, after, concerned);
          });
      after
          .workload(name)
          .ifPresent(pod -> {
            podsByNode.add(nodeOf(pod), name);
            addReaders(pod, before, concerned);
            addReaders(pod, after, concerned);
          });
    }
    for (NamespacedName name : difference.permissions()) {
      before
          .permission(name)
          .ifPresent(permission -> {
            permission.sources().forEach(source -> permissionsBySource.remove(source, name));
            addGrantees(permission, concerned);
          });
      after
          .permission(name)
          .ifPresent(permission -> {
            permission.sources().forEach(source -> permissionsBySource.add(source, name));
            addGrantees(permission, concerned);
          });
    }
    calledOtherwise.forEach(account -> concerned.addAll(callersOf.get(account)));
    if (concerned.contains(NO_PODS)) {
      concerned.addAll(podsByNode.keys()); // what is nobody's may be anybody's
      concerned.addAll(scopes.keySet());
    }
    concerned.forEach(node -> remake(node, after));
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

  private void addGrantees(Permission permission, Set<String> grantees) {
    grantees.addAll(granteesOf.get(permission.destination()));
    permission.sources().forEach(source -> grantees.addAll(granteesOf.get(source)));
  }

  private void remake(String node, MeshSnapshot snapshot) {
    Reads former = reads.getOrDefault(node, Reads.NOTHING);
    Reads now = Reads.NOTHING;
    if (node.equals(NO_PODS) || !podsByNode.get(node).isEmpty()) {
      ScopeContent content = new ScopeContent(snapshot, whole, permissionsBySource);
      podsByNode.get(node).forEach(content::addPod);
      if (!node.equals(NO_PODS)) {
        podsByNode.get(NO_PODS).forEach(content::addPod);
      }
      content.addGranted(services);
      now = new Reads(content.granted(), content.called());
      Scope scope = scopes.getOrDefault(node, Scope.EMPTY);
      scopes =
          scopes.with(
              node, new Scope(content.isBusy(), edited(scope.overlay(), content.resources())));
      reads.put(node, now);
    } else {
      scopes = scopes.without(node);
      reads.remove(node);
    }
    granteesOf.move(former.granted(), now.granted(), node);
    callersOf.move(former.called(), now.called(), node);
  }

  /** With these entries, shared with {@code former} as far as they are the same. */
  private static PersistentMap<ResourceKey, Resource> edited(
      PersistentMap<ResourceKey, Resource> former, Map<ResourceKey, Resource> wanted) {
    PersistentMap<ResourceKey, Resource> edited = former;
    for (ResourceKey key : former.keySet()) {
      if (!wanted.containsKey(key)) {
        edited = edited.without(key);
      }
    }
    for (Map.Entry<ResourceKey, Resource> entry : wanted.entrySet()) {
      edited = edited.with(entry.getKey(), entry.getValue());
    }
    return edited;
  }
}
