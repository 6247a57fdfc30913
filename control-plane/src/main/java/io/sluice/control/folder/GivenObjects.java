package io.sluice.control.folder;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.registry.ObjectChange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The objects of all files by their names, and which of them differ from those that were given
 * before. Costs what the changed files hold. One thread.
 */
final class GivenObjects {
  private final Map<String, List<KubernetesObject>> byFile = new HashMap<>();

  /** Of each name, by file: the order in which several of the same name count. */
  private final Map<ObjectRef, SortedMap<String, List<KubernetesObject>>> byRef = new HashMap<>();

  private final Map<ObjectRef, List<KubernetesObject>> given = new HashMap<>();
  private final Set<ObjectRef> due = new TreeSet<>();

  /** Takes what a file holds now; nothing when it is gone. */
  void put(String file, List<KubernetesObject> objects) {
    for (KubernetesObject object : byFile.getOrDefault(file, List.of())) {
      due.add(object.ref());
      byRef.computeIfPresent(
          object.ref(),
          (ref, files) -> {
            files.remove(file);
            return files.isEmpty() ? null : files;
          });
    }
    for (KubernetesObject object : objects) {
      due.add(object.ref());
      byRef
          .computeIfAbsent(object.ref(), ref -> new TreeMap<>())
          .computeIfAbsent(file, name -> new ArrayList<>(1))
          .add(object);
    }
    if (objects.isEmpty()) {
      byFile.remove(file);
    } else {
      byFile.put(file, objects);
    }
  }

  /** What differs from the objects that were given before, in order of name; given from now on. */
  List<ObjectChange> changes() {
    List<ObjectChange> changes = new ArrayList<>();
    for (ObjectRef ref : due) {
      List<KubernetesObject> before = given.getOrDefault(ref, List.of());
      List<KubernetesObject> now = present(ref);
      if (!now.equals(before)) {
        changes.add(new ObjectChange(ref, now));
      }
      if (now.isEmpty()) {
        given.remove(ref);
      } else {
        given.put(ref, now);
      }
    }
    due.clear();
    return changes;
  }

  private List<KubernetesObject> present(ObjectRef ref) {
    SortedMap<String, List<KubernetesObject>> files = byRef.get(ref);
    return files == null ? List.of() : files.values().stream().flatMap(List::stream).toList();
  }
}
