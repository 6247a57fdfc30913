package io.sluice.mesh;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What differs between two snapshots: objects that only one has, or that are not equal in them. */
public final class SnapshotDifference {
  private final Map<Kind<?>, List<Change<?>>> changes = new HashMap<>();

  /**
   * An object that differs.
   *
   * @param beforeOrNull null where only the later one has it
   * @param afterOrNull null where only the earlier one has it
   */
  public record Change<T extends MeshObject>(@Nullable T beforeOrNull, @Nullable T afterOrNull) {
    /** As it was. */
    public Optional<T> before() {
      return Optional.ofNullable(beforeOrNull);
    }

    /** As it is now. */
    public Optional<T> after() {
      return Optional.ofNullable(afterOrNull);
    }

    /** As it was, and as it is; one of the two at least. */
    public Stream<T> both() {
      return Stream.concat(before().stream(), after().stream());
    }

    /** What both are called. */
    public ResourceKey key() {
      return both().findFirst().orElseThrow().key();
    }
  }

  /** Costs what the two do not share. */
  SnapshotDifference(PersistentMap<String, Table<?>> from, PersistentMap<String, Table<?>> to) {
    for (String kind : from.differingKeys(to)) {
      Table<?> before = from.get(kind);
      Table<?> after = to.get(kind);
      Table<?> present = after == null ? before : after;
      if (present != null) {
        add(present.kind(), before, after);
      }
    }
  }

  private <T extends MeshObject> void add(
      Kind<T> kind, @Nullable Table<?> before, @Nullable Table<?> after) {
    PersistentMap<String, T> from = rows(before);
    PersistentMap<String, T> to = rows(after);
    List<Change<?>> found = new ArrayList<>();
    for (String name : from.differingKeys(to)) {
      T was = from.get(name);
      T is = to.get(name);
      if (was == null || !was.equals(is)) {
        found.add(new Change<>(was, is));
      }
    }
    if (!found.isEmpty()) {
      changes.put(kind, List.copyOf(found));
    }
  }

  @SuppressWarnings("unchecked") // tables of one name are of one kind
  private static <T> PersistentMap<String, T> rows(@Nullable Table<?> table) {
    return table == null ? PersistentMap.empty() : (PersistentMap<String, T>) table.rows();
  }

  /** Of which kinds anything differs. */
  public Set<Kind<?>> kinds() {
    return changes.keySet();
  }

  /** What differs of that kind, in no order. */
  @SuppressWarnings("unchecked") // under a kind are changes of its objects
  public <T extends MeshObject> List<Change<T>> of(Kind<T> kind) {
    return (List<Change<T>>) (List<?>) changes.getOrDefault(kind, List.of());
  }

  /** Names of workloads that differ. */
  public Set<NamespacedName> workloads() {
    return names(Kind.WORKLOAD, Workload::name);
  }

  /** Names of services that differ. */
  public Set<NamespacedName> services() {
    return names(Kind.SERVICE, Service::name);
  }

  /** Names of permissions that differ. */
  public Set<NamespacedName> permissions() {
    return names(Kind.PERMISSION, Permission::name);
  }

  private <T extends MeshObject> Set<NamespacedName> names(
      Kind<T> kind, Function<T, NamespacedName> name) {
    return of(kind).stream().flatMap(Change::both).map(name).collect(Collectors.toSet());
  }

  /** Whether the two say the same. */
  public boolean isEmpty() {
    return changes.isEmpty();
  }
}
