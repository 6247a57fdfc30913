package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.SnapshotEditor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Objects of one kind, of which those of a Kubernetes namespace, or of one part of it, depend on
 * each other and on others in it. They are compiled together, which costs as many as it has.
 */
final class NamespaceStage<T extends KubernetesObject> {
  private final Statuses.StatusBook statuses;
  private final Function<T, String> partOf;
  private final Map<String, Map<ObjectRef, T>> written = new HashMap<>();
  private final Map<String, Set<ResourceKey>> made = new HashMap<>();
  private final Set<String> due = new HashSet<>();
  private long compiled;

  /** Makes of all that is written in one part what nodes are told of it. */
  interface Compiler<T> {
    List<? extends MeshObject> compile(Collection<T> inside, Statuses statuses);
  }

  NamespaceStage(Statuses.StatusBook statuses) {
    this(statuses, one -> one.meta().namespace());
  }

  /** Of which those are compiled together that {@code partOf} says the same of. */
  NamespaceStage(Statuses.StatusBook statuses, Function<T, String> partOf) {
    this.statuses = statuses;
    this.partOf = partOf;
  }

  void add(T object) {
    String part = partOf.apply(object);
    written.computeIfAbsent(part, _ -> new HashMap<>()).put(object.ref(), object);
    due.add(part);
  }

  void remove(T object) {
    String part = partOf.apply(object);
    Map<ObjectRef, T> inside = written.getOrDefault(part, Map.of());
    inside.remove(object.ref());
    if (inside.isEmpty()) {
      written.remove(part);
    }
    due.add(part);
  }

  /** Those of one part. */
  Collection<T> inside(String part) {
    return written.getOrDefault(part, Map.of()).values();
  }

  boolean isEmpty() {
    return written.isEmpty();
  }

  /** Objects compiled until now, each as often as it was: what changes have cost. */
  long compiled() {
    return compiled;
  }

  /** To be told of a part where something is another than before that is named there. */
  void changed(String part) {
    due.add(part);
  }

  /** To be told that something is another that concerns all. */
  void changed() {
    due.addAll(written.keySet());
  }

  /** To be told that something is another that {@code concerned} ones name. */
  void changed(Predicate<T> concerned) {
    written.forEach((part, inside) -> {
      if (inside.values().stream().anyMatch(concerned)) {
        due.add(part);
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
    Set<ResourceKey> gone = new HashSet<>();
    List<MeshObject> there = new ArrayList<>();
    for (String part : due) {
      Map<ObjectRef, T> inside = written.getOrDefault(part, Map.of());
      Set<ResourceKey> before = made.getOrDefault(part, Set.of());
      if (inside.isEmpty() && before.isEmpty()) {
        continue;
      }
      compiled += inside.size();
      Statuses found = new Statuses();
      List<? extends MeshObject> now = compiled(inside.values(), found, compiler);
      Set<ResourceKey> keys = now.stream().map(MeshObject::key).collect(Collectors.toSet());
      gone.addAll(before);
      there.addAll(now);
      if (keys.isEmpty()) {
        made.remove(part);
      } else {
        made.put(part, keys);
      }
      statuses.put(inside.keySet(), found);
    }
    there.forEach(one -> gone.remove(one.key())); // it may be of another part now
    gone.forEach(editor::remove);
    there.forEach(editor::put);
    due.clear();
  }
}
