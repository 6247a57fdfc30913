package io.sluice.control.compile;

import io.sluice.control.objects.IngressBackend;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotEditor;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * IngressBackends. Those of a Kubernetes namespace depend on each other, on the Services that they
 * name, wherever these are, and on the namespace's HTTPRouteGroups; they are compiled together.
 */
final class IngressStage {
  private final Statuses.StatusBook statuses;
  private final Map<String, Map<ObjectRef, IngressBackend>> written = new HashMap<>();
  private final Map<String, Set<NamespacedName>> made = new HashMap<>();
  private final Set<String> due = new HashSet<>(); // namespaces

  IngressStage(Statuses.StatusBook statuses) {
    this.statuses = statuses;
  }

  void add(IngressBackend one) {
    written.computeIfAbsent(one.meta().namespace(), _ -> new HashMap<>()).put(one.ref(), one);
    due.add(one.meta().namespace());
  }

  void remove(IngressBackend one) {
    Map<ObjectRef, IngressBackend> inside = written.getOrDefault(one.meta().namespace(), Map.of());
    inside.remove(one.ref());
    if (inside.isEmpty()) {
      written.remove(one.meta().namespace());
    }
    due.add(one.meta().namespace());
  }

  /** To be told of a group as it was and as it is. */
  void changed(HttpRouteGroup group) {
    due.add(group.meta().namespace());
  }

  /** To be told that the MeshConfig may say something else. */
  void configChanged() {
    due.addAll(written.keySet());
  }

  /** After Services, which are looked up in what {@code editor} has. */
  void compile(SnapshotEditor editor, IngressCompiler.Surroundings surroundings) {
    if (written.isEmpty() && due.isEmpty()) {
      return;
    }
    Set<ResourceKey> changed = new HashSet<>(editor.changed());
    written.forEach((namespace, inside) -> {
      if (inside.values().stream()
          .flatMap(one -> IngressCompiler.named(one).stream())
          .anyMatch(service -> changed.contains(Kind.SERVICE.key(service)))) {
        due.add(namespace);
      }
    });
    due.forEach(namespace -> compile(namespace, editor, surroundings));
    due.clear();
  }

  private void compile(
      String namespace, SnapshotEditor editor, IngressCompiler.Surroundings surroundings) {
    Map<ObjectRef, IngressBackend> inside = written.getOrDefault(namespace, Map.of());
    Set<NamespacedName> before = made.getOrDefault(namespace, Set.of());
    if (inside.isEmpty() && before.isEmpty()) {
      return;
    }
    Statuses found = new Statuses();
    List<Ingress> now = new IngressCompiler(surroundings, found).ingresses(inside.values());
    Set<NamespacedName> names = now.stream().map(Ingress::name).collect(Collectors.toSet());
    before.stream()
        .filter(name -> !names.contains(name))
        .forEach(name -> editor.remove(Kind.INGRESS.key(name)));
    now.forEach(editor::put);
    if (names.isEmpty()) {
      made.remove(namespace);
    } else {
      made.put(namespace, names);
    }
    statuses.put(inside.keySet(), found);
  }
}
