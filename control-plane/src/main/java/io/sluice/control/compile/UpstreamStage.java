package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.UpstreamTrafficSetting;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * UpstreamTrafficSettings. Those of a Kubernetes namespace depend on each other and on its
 * Services; they are compiled together, which costs as many as it has.
 */
final class UpstreamStage {
  private final Statuses.StatusBook statuses;
  private final Map<String, Map<ObjectRef, UpstreamTrafficSetting>> settings = new HashMap<>();
  private final Map<String, Set<NamespacedName>> services = new HashMap<>();
  private final Set<String> due = new HashSet<>(); // namespaces

  UpstreamStage(Statuses.StatusBook statuses) {
    this.statuses = statuses;
  }

  void add(UpstreamTrafficSetting setting) {
    String namespace = setting.meta().namespace();
    settings.computeIfAbsent(namespace, _ -> new HashMap<>()).put(setting.ref(), setting);
    due.add(namespace);
  }

  void remove(UpstreamTrafficSetting setting) {
    String namespace = setting.meta().namespace();
    Map<ObjectRef, UpstreamTrafficSetting> inside = settings.getOrDefault(namespace, Map.of());
    inside.remove(setting.ref());
    if (inside.isEmpty()) {
      settings.remove(namespace);
    }
    due.add(namespace);
  }

  /** To be told of a Service as it was and as it is. */
  void changed(KubernetesService service) {
    if (settings.containsKey(service.meta().namespace())) {
      due.add(service.meta().namespace());
    }
  }

  void compile(SnapshotEditor editor, SplitCompiler.Surroundings surroundings) {
    for (String namespace : due) {
      Map<ObjectRef, UpstreamTrafficSetting> inside = settings.getOrDefault(namespace, Map.of());
      Set<NamespacedName> before = services.getOrDefault(namespace, Set.of());
      Statuses found = new Statuses();
      List<UpstreamSetting> now =
          new UpstreamCompiler(surroundings, found).settings(inside.values());
      Set<NamespacedName> names =
          now.stream().map(UpstreamSetting::service).collect(Collectors.toSet());
      before.stream()
          .filter(name -> !names.contains(name))
          .forEach(name -> editor.remove(Kind.UPSTREAM_SETTING.key(name)));
      now.forEach(editor::put);
      if (names.isEmpty()) {
        services.remove(namespace);
      } else {
        services.put(namespace, names);
      }
      statuses.put(inside.keySet(), found);
    }
    due.clear();
  }
}
