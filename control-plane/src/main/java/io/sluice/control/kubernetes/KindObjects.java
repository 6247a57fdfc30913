package io.sluice.control.kubernetes;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadObjects;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.registry.ObjectChange;
import io.sluice.control.registry.OriginStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The objects of one kind, as records of just what the mesh reads. While an object has a problem,
 * its last good content stays in service, as with a file of a folder. Any thread.
 */
final class KindObjects {
  /** What statuses name in place of a file. */
  static final String ORIGIN = "Kubernetes API";

  private final ReadableKind kind;
  private final int maxObjects;
  private final Map<ObjectRef, Held> objects = new HashMap<>();

  /** Of those in {@link #objects} that have a problem. */
  private final Map<ObjectRef, List<Problem>> problems = new TreeMap<>();

  KindObjects(ReadableKind kind, int maxObjects) {
    this.kind = kind;
    this.maxObjects = maxObjects;
  }

  /** Reads an object as the API server wrote it; keeps nothing of the tree. */
  Seen read(YamlValue.Mapping object) {
    ObjectRef ref =
        new ObjectRef(
            kind.group(),
            kind.kind(),
            JsonTree.text(object, "metadata", "namespace"),
            JsonTree.text(object, "metadata", "name"));
    ReadObjects read = ObjectReader.read(ORIGIN, kind, object);
    int incarnation = JsonTree.text(object, "metadata", "uid").hashCode();
    if (read.problems().isEmpty()) {
      KubernetesObject good = read.objects().getFirst();
      return new Seen(good.ref(), good, incarnation, List.of());
    }
    // Without a file, only its own name tells which object is meant.
    List<Problem> named =
        read.problems().stream()
            .map(p -> new Problem(ref.toString(), 0, p.field(), p.reason(), p.mend()))
            .toList();
    return new Seen(ref, null, incarnation, named);
  }

  /** Takes a list of all objects. Returns what changed by it. */
  synchronized List<ObjectChange> replace(List<Seen> all) {
    Set<ObjectRef> gone = new HashSet<>(objects.keySet());
    List<ObjectChange> changes = new ArrayList<>();
    for (Seen seen : all) {
      gone.remove(seen.ref());
      put(seen).ifPresent(changes::add);
    }
    gone.forEach(ref -> remove(ref).ifPresent(changes::add));
    return changes;
  }

  /**
   * Takes one object. Returns the change where there is one: most of what a kubelet reports means
   * nothing to the mesh.
   */
  synchronized Optional<ObjectChange> put(Seen seen) {
    Held before = objects.get(seen.ref());
    if (before == null && objects.size() >= maxObjects) {
      throw tooMany();
    }
    KubernetesObject old = before == null ? null : before.goodOrNull();
    KubernetesObject now = seen.goodOrNull();
    if (seen.problems().isEmpty()) {
      problems.remove(seen.ref());
    } else {
      problems.put(seen.ref(), seen.problems());
      // What another object of the same name was says nothing of this one.
      now = before != null && before.incarnation() == seen.incarnation() ? old : null;
    }
    if (now != null && now.equals(old)) {
      now = old;
    }
    objects.put(now == null ? seen.ref() : now.ref(), new Held(now, seen.incarnation()));
    if (now == old) {
      return Optional.empty();
    }
    return Optional.of(new ObjectChange(seen.ref(), now == null ? List.of() : List.of(now)));
  }

  /** Forgets an object. Returns the change where it was in service. */
  synchronized Optional<ObjectChange> remove(ObjectRef ref) {
    problems.remove(ref);
    Held held = objects.remove(ref);
    return held == null || held.goodOrNull() == null
        ? Optional.empty()
        : Optional.of(new ObjectChange(ref, List.of()));
  }

  synchronized boolean isEmpty() {
    return objects.isEmpty();
  }

  /** Fails where a list of so many would not be taken. */
  void requireRoomFor(int count) {
    if (count > maxObjects) {
      throw tooMany();
    }
  }

  private KubernetesApiException tooMany() {
    return new KubernetesApiException(
        KubernetesApiException.Failure.REJECTED,
        kind.resource(),
        "there are more than " + maxObjects + " objects of this kind",
        null);
  }

  /** The objects that have a problem, in order of name. */
  synchronized List<OriginStatus> origins() {
    return problems.entrySet().stream()
        .map(entry -> {
          Held held = objects.get(entry.getKey());
          int inService = held == null || held.goodOrNull() == null ? 0 : 1;
          return new OriginStatus(entry.getKey().toString(), inService, entry.getValue());
        })
        .toList();
  }

  /**
   * An object as it was read.
   *
   * @param goodOrNull null where it has problems
   * @param incarnation differs between objects that had the same name one after the other
   */
  record Seen(
      ObjectRef ref,
      @Nullable KubernetesObject goodOrNull,
      int incarnation,
      List<Problem> problems) {}

  private record Held(@Nullable KubernetesObject goodOrNull, int incarnation) {}
}
