package io.sluice.control.compile;

import io.sluice.control.compile.WorkloadCompiler.MeshWide;
import io.sluice.control.compile.WorkloadCompiler.Surroundings;
import io.sluice.control.objects.KubernetesObject.ClusterNode;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.Kind;
import io.sluice.mesh.KubernetesNamespace;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.Workload;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Pods and Namespaces. A workload depends on its Pod, on the Namespace, on what the MeshConfig says
 * of all Pods, on the Pods that claim the same addresses, network namespace or UID, and on the
 * ranges of Nodes. What a Kubernetes namespace is to the mesh depends on its Namespace and the
 * workloads in it.
 */
final class PodStage {
  private final Statuses.StatusBook statuses;
  private final Map<String, Map<ObjectRef, Pod>> pods = new HashMap<>();
  private final Map<String, Surroundings> surroundings = new HashMap<>();
  private final Map<String, Set<ObjectRef>> enrolled = new HashMap<>();
  private final Map<String, Integer> warming = new HashMap<>(); // by namespace
  private final Claims claims;
  private final PodRanges ranges;
  private final Map<String, String> zones = new HashMap<>(); // of Nodes
  private Map<String, String> zonesBefore = Map.of();

  /** What each Pod claims now. */
  private final Map<ObjectRef, Set<Object>> claimed = new HashMap<>();

  private final Set<ObjectRef> dueClaims = new HashSet<>();
  private final Set<ObjectRef> duePods = new HashSet<>();
  private final Set<String> dueNamespaces = new HashSet<>();
  private MeshWide meshWide = ConfigCompiler.NO_CONFIG.meshWide();

  PodStage(PodRangeRule rule, Statuses.StatusBook statuses, InForce inForce) {
    this.ranges = new PodRanges(rule, inForce.podRangesBind());
    this.claims = new Claims(inForce.pods());
    this.statuses = statuses;
  }

  void put(MeshWide now) {
    if (!now.equals(meshWide)) {
      meshWide = now;
      pods.values().forEach(inside -> duePods.addAll(inside.keySet()));
    }
  }

  void add(Namespace namespace) {
    Statuses found = new Statuses();
    surroundings.put(namespace.meta().name(), Surroundings.of(namespace, found));
    statuses.put(namespace.ref(), found);
    namespaceChanged(namespace);
  }

  void remove(Namespace namespace) {
    surroundings.remove(namespace.meta().name());
    namespaceChanged(namespace);
  }

  void add(ClusterNode node) {
    node.zone().ifPresent(zone -> zones.put(node.meta().name(), zone));
    ranges.add(node);
  }

  void remove(ClusterNode node) {
    zones.remove(node.meta().name());
    ranges.remove(node);
  }

  private void namespaceChanged(Namespace namespace) {
    String name = namespace.meta().name();
    dueNamespaces.add(name);
    duePods.addAll(pods.getOrDefault(name, Map.of()).keySet());
  }

  void add(Pod pod) {
    pods.computeIfAbsent(pod.meta().namespace(), _ -> new HashMap<>()).put(pod.ref(), pod);
    ranges.add(pod);
    if (WarmUpWords.isSaidBy(pod)) {
      warming.merge(pod.meta().namespace(), 1, Integer::sum);
    }
    changed(pod);
  }

  void remove(Pod pod) {
    String namespace = pod.meta().namespace();
    Map<ObjectRef, Pod> inside = pods.getOrDefault(namespace, Map.of());
    inside.remove(pod.ref());
    if (inside.isEmpty()) {
      pods.remove(namespace);
    }
    ranges.remove(pod);
    if (WarmUpWords.isSaidBy(pod)) {
      warming.computeIfPresent(namespace, (_, count) -> count == 1 ? null : count - 1);
    }
    changed(pod);
  }

  private void changed(Pod pod) {
    dueClaims.add(pod.ref());
    duePods.add(pod.ref());
  }

  /** Who has addresses, network namespaces and UIDs now. */
  Map<Object, String> held() {
    return claims.held();
  }

  /** Whether Pods have to have addresses of their Node's ranges now. */
  boolean rangesBind() {
    return ranges.areBinding();
  }

  /** The Pods of a Kubernetes namespace, in no order. */
  Collection<Pod> in(String namespace) {
    return pods.getOrDefault(namespace, Map.of()).values();
  }

  /** Whether any Pod of that namespace says how it warms up. */
  boolean sayHowTheyWarmUp(String namespace) {
    return warming.containsKey(namespace);
  }

  /** All Pods are looked at where any Node is in another zone now, which is seldom. */
  private void settleZones() {
    if (!zones.equals(zonesBefore)) {
      pods.values().forEach(inside -> duePods.addAll(inside.keySet()));
      zonesBefore = Map.copyOf(zones);
    }
  }

  void compile(SnapshotEditor editor) {
    settleZones();
    ranges.settle(dueClaims::add);
    for (ObjectRef ref : dueClaims) {
      claim(ref);
    }
    duePods.addAll(dueClaims);
    dueClaims.clear();
    claims.settle(duePods::add);
    for (ObjectRef ref : duePods) {
      compile(ref, editor);
    }
    duePods.clear();
    for (String name : dueNamespaces) {
      if (surroundings.containsKey(name) || pods.containsKey(name)) {
        editor.put(
            new KubernetesNamespace(
                name,
                Enrolment.membership(
                    surroundings.getOrDefault(name, Surroundings.NONE).namespaceOrNull(),
                    () -> enrolled.containsKey(name))));
      } else {
        editor.remove(Kind.NAMESPACE.key(name));
      }
    }
    dueNamespaces.clear();
  }

  private void claim(ObjectRef ref) {
    claims.remove(claimed.getOrDefault(ref, Set.of()), ref);
    Pod pod = pods.getOrDefault(ref.namespace(), Map.of()).get(ref);
    if (pod == null) {
      claimed.remove(ref);
    } else {
      claimed.put(ref, WorkloadCompiler.claim(claims, pod, ranges));
    }
  }

  private void compile(ObjectRef ref, SnapshotEditor editor) {
    dueNamespaces.add(ref.namespace());
    Pod pod = pods.getOrDefault(ref.namespace(), Map.of()).get(ref);
    if (pod == null) {
      editor.remove(Kind.WORKLOAD.key(new NamespacedName(ref.namespace(), ref.name())));
      setEnrolled(ref, false);
      return;
    }
    Statuses found = new Statuses();
    Workload workload =
        new WorkloadCompiler(meshWide, claims, ranges, found)
            .workload(pod, surroundings.getOrDefault(ref.namespace(), Surroundings.NONE), zones);
    editor.put(workload);
    statuses.put(ref, found);
    setEnrolled(ref, workload.enrolled());
  }

  private void setEnrolled(ObjectRef ref, boolean isEnrolled) {
    if (isEnrolled) {
      enrolled.computeIfAbsent(ref.namespace(), _ -> new HashSet<>()).add(ref);
    } else {
      Set<ObjectRef> inside = enrolled.getOrDefault(ref.namespace(), Set.of());
      if (inside.contains(ref) && inside.remove(ref) && inside.isEmpty()) {
        enrolled.remove(ref.namespace());
      }
    }
  }
}
