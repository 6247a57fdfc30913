package io.sluice.control.compile;

import io.sluice.control.compile.Statuses.StatusBook;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.OtherObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The objects of all sources, and which one counts where several are the same object. */
final class ObjectsInForce {
  private final Map<String, List<KubernetesObject>> sources = new HashMap<>();
  private final Map<ObjectRef, List<Placed>> placed = new HashMap<>();

  /** An object and where it stands. */
  private record Placed(String source, int position, KubernetesObject object) {
    static final Comparator<Placed> ORDER =
        Comparator.comparing(Placed::source).thenComparing(Placed::position);
  }

  /** That another object counts than before; one of the two is there. */
  record Replacement(
      @Nullable KubernetesObject beforeOrNull, @Nullable KubernetesObject afterOrNull) {
    Optional<KubernetesObject> before() {
      return Optional.ofNullable(beforeOrNull);
    }

    Optional<KubernetesObject> after() {
      return Optional.ofNullable(afterOrNull);
    }
  }

  /** Takes the objects of {@code changed} sources; the others stay as they are. */
  List<Replacement> replace(Map<String, List<KubernetesObject>> changed, StatusBook statuses) {
    Map<ObjectRef, List<Placed>> before = new HashMap<>();
    Set<ObjectRef> touched = new LinkedHashSet<>(); // an order that does not depend on hashes
    changed.forEach((source, now) -> {
      for (KubernetesObject object : sources.getOrDefault(source, List.of())) {
        touched.add(object.ref());
      }
      now.forEach(object -> touched.add(object.ref()));
    });
    touched.forEach(ref -> before.put(ref, placed.getOrDefault(ref, List.of())));
    changed.keySet().forEach(this::takeOut);
    changed.forEach(this::putIn);
    List<Replacement> replacements = new ArrayList<>();
    for (ObjectRef ref : touched) {
      List<Placed> earlier = before.getOrDefault(ref, List.of());
      List<Placed> now = placed.getOrDefault(ref, List.of());
      if (earlier.size() > 1 || now.size() > 1) {
        statuses.putDuplicates(ref, duplicates(now));
      }
      KubernetesObject was = earlier.isEmpty() ? null : earlier.getFirst().object();
      KubernetesObject is = now.isEmpty() ? null : now.getFirst().object();
      if (was == null ? is != null : !was.equals(is)) {
        replacements.add(new Replacement(was, is));
      }
    }
    return replacements;
  }

  private void takeOut(String source) {
    for (KubernetesObject object : sources.getOrDefault(source, List.of())) {
      List<Placed> rest =
          placed.getOrDefault(object.ref(), List.of()).stream()
              .filter(other -> !other.source().equals(source))
              .toList();
      if (rest.isEmpty()) {
        placed.remove(object.ref());
      } else {
        placed.put(object.ref(), rest);
      }
    }
    sources.remove(source);
  }

  private void putIn(String source, List<KubernetesObject> now) {
    if (now.isEmpty()) {
      return;
    }
    sources.put(source, List.copyOf(now));
    for (int i = 0; i < now.size(); i++) {
      List<Placed> same = new ArrayList<>(placed.getOrDefault(now.get(i).ref(), List.of()));
      same.add(new Placed(source, i, now.get(i)));
      same.sort(Placed.ORDER);
      placed.put(now.get(i).ref(), List.copyOf(same));
    }
  }

  private static Statuses duplicates(List<Placed> same) {
    Statuses found = new Statuses();
    for (Placed other : same.stream().skip(1).toList()) {
      if (!(other.object() instanceof OtherObject)) {
        ObjectCompiler.reportDuplicate(other.object(), same.getFirst().object(), found);
      }
    }
    return found;
  }
}
