package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * TrafficSplits. Those of a Kubernetes namespace depend on each other, on its Services and on its
 * HTTPRouteGroups; they are compiled together, which costs as many as it has.
 */
final class SplitStage {
  private final Statuses.StatusBook statuses;
  private final Map<String, Map<ObjectRef, TrafficSplit>> splits = new HashMap<>();
  private final Map<String, Set<NamespacedName>> routes = new HashMap<>();
  private final Set<String> due = new HashSet<>(); // namespaces

  SplitStage(Statuses.StatusBook statuses) {
    this.statuses = statuses;
  }

  void add(TrafficSplit split) {
    splits.computeIfAbsent(split.meta().namespace(), _ -> new HashMap<>()).put(split.ref(), split);
    due.add(split.meta().namespace());
  }

  void remove(TrafficSplit split) {
    Map<ObjectRef, TrafficSplit> inside = splits.getOrDefault(split.meta().namespace(), Map.of());
    inside.remove(split.ref());
    if (inside.isEmpty()) {
      splits.remove(split.meta().namespace());
    }
    due.add(split.meta().namespace());
  }

  /** To be told of a Service as it was and as it is. */
  void changed(KubernetesService service) {
    due.add(service.meta().namespace());
  }

  /** To be told of a group as it was and as it is. */
  void changed(HttpRouteGroup group) {
    due.add(group.meta().namespace());
  }

  void compile(SnapshotEditor editor, SplitCompiler.Surroundings surroundings) {
    for (String namespace : due) {
      Map<ObjectRef, TrafficSplit> inside = splits.getOrDefault(namespace, Map.of());
      Set<NamespacedName> before = routes.getOrDefault(namespace, Set.of());
      if (inside.isEmpty() && before.isEmpty()) {
        continue;
      }
      Statuses found = new Statuses();
      List<TrafficRoute> now = new SplitCompiler(surroundings, found).routes(inside.values());
      Set<NamespacedName> names = now.stream().map(TrafficRoute::name).collect(Collectors.toSet());
      before.stream()
          .filter(name -> !names.contains(name))
          .forEach(name -> editor.remove(Kind.ROUTE.key(name)));
      now.forEach(editor::put);
      if (names.isEmpty()) {
        routes.remove(namespace);
      } else {
        routes.put(namespace, names);
      }
      statuses.put(inside.keySet(), found);
    }
    due.clear();
  }
}
