package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotEditor;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Objects of one kind, of which those of a Kubernetes namespace depend on each other and on others
 * in it. They are compiled together, which costs as many as it has.
 */
final class NamespaceStage<T extends KubernetesObject> {
  private final Statuses.StatusBook statuses;
  private final Map<String, Map<ObjectRef, T>> written = new HashMap<>();
  private final Map<String, Set<ResourceKey>> made = new HashMap<>();
  private final Set<String> due = new HashSet<>();

  /** Makes of all that is written in one namespace what nodes are told of it. */
  interface Compiler<T> {
    List<? extends MeshObject> compile(Collection<T> inside, Statuses statuses);
  }

  NamespaceStage(Statuses.StatusBook statuses) {
    this.statuses = statuses;
  }

  void add(T object) {
    String namespace = object.meta().namespace();
    written.computeIfAbsent(namespace, _ -> new HashMap<>()).put(object.ref(), object);
    due.add(namespace);
  }

  void remove(T object) {
    String namespace = object.meta().namespace();
    Map<ObjectRef, T> inside = written.getOrDefault(namespace, Map.of());
    inside.remove(object.ref());
    if (inside.isEmpty()) {
      written.remove(namespace);
    }
    due.add(namespace);
  }

  /** Those of one namespace. */
  Collection<T> inside(String namespace) {
    return written.getOrDefault(namespace, Map.of()).values();
  }

  boolean isEmpty() {
    return written.isEmpty();
  }

  /** To be told of a namespace where something is another than before that is named there. */
  void changed(String namespace) {
    due.add(namespace);
  }

  /** To be told that something is another that concerns all. */
  void changed() {
    due.addAll(written.keySet());
  }

  /** To be told that something is another that {@code concerned} ones name. */
  void changed(Predicate<T> concerned) {
    written.forEach((namespace, inside) -> {
      if (inside.values().stream().anyMatch(concerned)) {
        due.add(namespace);
      }
    });
  }

  /** Of all but those that {@code compiler} fails at by themselves: they stop nothing else. */
  private static <T extends KubernetesObject> List<? extends MeshObject> compiled(
      Collection<T> inside, Statuses found, Compiler<T> compiler) {
    try {
      return compiler.compile(inside, found);
    } catch (RuntimeException e) {
      found.clear();
      Statuses failures = new Statuses();
      List<T> good = inside.stream().filter(one -> isCompiled(one, failures, compiler)).toList();
      if (good.size() == inside.size()) {
        throw e;
      }
      List<? extends MeshObject> made = compiler.compile(good, found);
      found.addAll(failures.sorted());
      return made;
    }
  }

  private static <T extends KubernetesObject> boolean isCompiled(
      T one, Statuses failures, Compiler<T> compiler) {
    try {
      compiler.compile(List.of(one), new Statuses());
      return true;
    } catch (RuntimeException e) {
      ObjectCompiler.reportFailure(one, e, failures);
      return false;
    }
  }

  void compile(SnapshotEditor editor, Compiler<T> compiler) {
    for (String namespace : due) {
      Map<ObjectRef, T> inside = written.getOrDefault(namespace, Map.of());
      Set<ResourceKey> before = made.getOrDefault(namespace, Set.of());
      if (inside.isEmpty() && before.isEmpty()) {
        continue;
      }
      Statuses found = new Statuses();
      List<? extends MeshObject> now = compiled(inside.values(), found, compiler);
      Set<ResourceKey> keys = now.stream().map(MeshObject::key).collect(Collectors.toSet());
      before.stream().filter(key -> !keys.contains(key)).forEach(editor::remove);
      now.forEach(editor::put);
      if (keys.isEmpty()) {
        made.remove(namespace);
      } else {
        made.put(namespace, keys);
      }
      statuses.put(inside.keySet(), found);
    }
    due.clear();
  }
}
