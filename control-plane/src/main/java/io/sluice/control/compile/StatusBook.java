package io.sluice.control.compile;

import io.sluice.control.objects.ObjectRef;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The statuses of every object, kept from one compilation to the next. */
final class StatusBook {
  private final Map<ObjectRef, List<ObjectStatus>> byObject = new TreeMap<>();
  private final Map<ObjectRef, List<ObjectStatus>> duplicates = new TreeMap<>();
  private List<ObjectStatus> sorted = List.of();
  private boolean changed;

  /** Replaces what is said of {@code object}. */
  void put(ObjectRef object, Statuses found) {
    put(byObject, object, found.sorted());
  }

  /** Replaces what is said of {@code objects}, which {@code found} speaks of and of no others. */
  void put(Collection<ObjectRef> objects, Statuses found) {
    Map<ObjectRef, List<ObjectStatus>> each = new HashMap<>();
    for (ObjectStatus status : found.sorted()) {
      each.computeIfAbsent(status.object(), _ -> new ArrayList<>()).add(status);
    }
    objects.forEach(
        object -> put(byObject, object, List.copyOf(each.getOrDefault(object, List.of()))));
  }

  /** Replaces what is said of those that are {@code object} as well and do not count. */
  void putDuplicates(ObjectRef object, Statuses found) {
    put(duplicates, object, found.sorted());
  }

  /** Forgets what was said of {@code object}, but not of its duplicates. */
  void remove(ObjectRef object) {
    put(byObject, object, List.of());
  }

  private void put(
      Map<ObjectRef, List<ObjectStatus>> book, ObjectRef object, List<ObjectStatus> now) {
    List<ObjectStatus> before = now.isEmpty() ? book.remove(object) : book.put(object, now);
    changed |= !now.equals(before == null ? List.of() : before);
  }

  /** All statuses in order; the same list as long as nothing has changed. */
  List<ObjectStatus> sorted() {
    if (changed) {
      Statuses all = new Statuses();
      byObject.values().forEach(all::addAll);
      duplicates.values().forEach(all::addAll);
      sorted = List.copyOf(all.sorted());
      changed = false;
    }
    return sorted;
  }
}
