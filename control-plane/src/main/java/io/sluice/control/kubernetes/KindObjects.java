package io.sluice.control.kubernetes;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.registry.ObjectSource.ObjectChange;
import io.sluice.control.registry.RegistryStatus.OriginStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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
  private final Map<ObjectRef, ControllerResources> objects = new HashMap<>();

  /** Of those in {@link #objects} that have a problem. */
  private final Map<ObjectRef, List<Problem>> problems = new TreeMap<>();

  KindObjects(ReadableKind kind, int maxObjects) {
    this.kind = kind;
    this.maxObjects = maxObjects;
  }

  /**
   * Reads an object as the API server wrote it; keeps nothing of the tree. A pod that no node was
   * found for yet runs nowhere and means nothing to the mesh: it would be told to every node.
   */
  Seen read(YamlValue.Mapping object) {
    ObjectRef ref = JsonTree.ref(kind, object);
    ReadObjects read = ObjectReader.read(ORIGIN, kind, object);
    int incarnation = JsonTree.text(object, "metadata", "uid").hashCode();
    ReportedObject reported = ReportedObject.isOf(kind) ? ReportedObject.read(kind, object) : null;
    if (read.problems().isEmpty()) {
      KubernetesObject good = read.objects().getFirst();
      return new Seen(
          good.ref(), isScheduled(good) ? good : null, incarnation, List.of(), reported);
    }
    // Without a file, only its own name tells which object is meant.
    List<Problem> named =
        read.problems().stream()
            .map(p -> new Problem(ref.toString(), 0, p.field(), p.reason(), p.mend()))
            .toList();
    return new Seen(ref, null, incarnation, named, reported);
  }

  private static boolean isScheduled(KubernetesObject object) {
    return !(object instanceof Pod pod) || pod.nodeNameOrNull() != null;
  }

  /** Takes a list of all objects. Returns what changed by it. */
  synchronized List<Update> replace(List<Seen> all) {
    Set<ObjectRef> gone = new HashSet<>(objects.keySet());
    List<Update> updates = new ArrayList<>();
    for (Seen seen : all) {
      gone.remove(seen.ref());
      updates.add(put(seen));
    }
    gone.forEach(ref -> updates.add(remove(ref)));
    return updates;
  }

  /**
   * Takes one object. The update has a change where there is one: most of what a kubelet reports
   * means nothing to the mesh.
   */
  synchronized Update put(Seen seen) {
    ControllerResources before = objects.get(seen.ref());
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
    objects.put(
        now == null ? seen.ref() : now.ref(), new ControllerResources(now, seen.incarnation()));
    ObjectChange change =
        now == old ? null : new ObjectChange(seen.ref(), now == null ? List.of() : List.of(now));
    ReportedObject reported = seen.reportedOrNull();
    return new Update(
        seen.ref(), change, reported == null ? null : reported.with(seen.problems(), now != null));
  }

  /** Forgets an object. The update has a change where it was in service. */
  synchronized Update remove(ObjectRef ref) {
    problems.remove(ref);
    ControllerResources held = objects.remove(ref);
    boolean isInService = held != null && held.goodOrNull() != null;
    return new Update(ref, isInService ? new ObjectChange(ref, List.of()) : null, null);
  }

  /** Whether one of that namespace, or of any, has a problem and nothing in service. */
  synchronized boolean lacksAny(@Nullable String namespaceOrNull) {
    return problems.keySet().stream()
        .filter(ref -> namespaceOrNull == null || ref.namespace().equals(namespaceOrNull))
        .map(objects::get)
        .anyMatch(held -> held == null || held.goodOrNull() == null);
  }

  synchronized int size() {
    return objects.size();
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
          ControllerResources held = objects.get(entry.getKey());
          int inService = held == null || held.goodOrNull() == null ? 0 : 1;
          return new OriginStatus(entry.getKey().toString(), inService, entry.getValue());
        })
        .toList();
  }

  /**
   * An object as it was read.
   *
   * @param goodOrNull null where it has problems, or means nothing to the mesh yet
   * @param incarnation differs between objects that had the same name one after the other
   * @param reportedOrNull what its status says; null where nobody writes one
   */
  record Seen(
      ObjectRef ref,
      @Nullable KubernetesObject goodOrNull,
      int incarnation,
      List<Problem> problems,
      @Nullable ReportedObject reportedOrNull) {}

  /**
   * What became known of one name.
   *
   * @param changeOrNull null where nothing changed for the mesh
   * @param reportedOrNull what its status says; null where it has gone, or nobody writes one
   */
  record Update(
      ObjectRef ref,
      @Nullable ObjectChange changeOrNull,
      @Nullable ReportedObject reportedOrNull) {}

  private record ControllerResources(@Nullable KubernetesObject goodOrNull, int incarnation) {}
}
