package io.sluice.control.kubernetes;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.registry.RegistryStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What the mesh makes of the objects that have a status of ours, at one instant. Immutable. */
public final class ClusterReport {
  /** Before anything was read. */
  static final ClusterReport NOTHING = new ClusterReport(List.of(), List.of(), Map.of());

  private final List<ReportedObject> objects;
  private final List<ObjectStatus> statuses;
  private final Map<ObjectRef, Entry> entries;

  private ClusterReport(
      List<ReportedObject> objects, List<ObjectStatus> statuses, Map<ObjectRef, Entry> entries) {
    this.objects = objects;
    this.statuses = statuses;
    this.entries = Map.copyOf(entries);
  }

  /** One for each object that has a status of ours, by name. */
  public Map<ObjectRef, Entry> entries() {
    return entries;
  }

  /**
   * One object.
   *
   * @param object as the API server has it
   * @param found what the compiler has to say about it
   * @param revision first snapshot that has what is made of it now
   */
  public record Entry(ReportedObject object, List<ObjectStatus> found, long revision) {
    private static final String PARENTS = "spec.parentRefs";

    public Entry {
      found = List.copyOf(found);
    }

    /** The same, of which this was found out later. */
    public Entry with(ObjectStatus more) {
      List<ObjectStatus> all = new ArrayList<>(found);
      all.add(more);
      return new Entry(object, all, revision);
    }

    /** The same, without what is said of other parents of a route than that of this place. */
    public Entry of(int parent) {
      String own = PARENTS + "[" + parent + "]";
      return new Entry(
          object,
          found.stream()
              .filter(one -> !one.field().startsWith(PARENTS) || one.field().startsWith(own))
              .toList(),
          revision);
    }

    /** Whether {@code earlier} came to the same, so that nodes that have that have this. */
    private boolean meansAs(Entry earlier) {
      return object.uid().equals(earlier.object.uid())
          && object.generation() == earlier.object.generation()
          && object.problems().equals(earlier.object.problems())
          && found.equals(earlier.found);
    }
  }

  /**
   * What a delivery of these objects, with that status of the registry, makes of an earlier one.
   */
  static ClusterReport of(
      List<ReportedObject> objects, RegistryStatus status, ClusterReport earlier) {
    if (earlier.objects == objects && earlier.statuses == status.objects()) {
      return earlier;
    }
    Map<ObjectRef, List<ObjectStatus>> found =
        status.objects().stream().collect(Collectors.groupingBy(ObjectStatus::object));
    Map<ObjectRef, Entry> entries = new HashMap<>();
    for (ReportedObject object : objects) {
      Entry now = new Entry(object, found.getOrDefault(object.ref(), List.of()), status.revision());
      Entry before = earlier.entries.get(object.ref());
      entries.put(
          object.ref(),
          before != null && now.meansAs(before)
              ? new Entry(object, now.found(), before.revision())
              : now);
    }
    return new ClusterReport(objects, status.objects(), entries);
  }
}
