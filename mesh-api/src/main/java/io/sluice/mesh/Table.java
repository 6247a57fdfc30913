package io.sluice.mesh;

import io.sluice.mesh.Kind.Index;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The objects of one kind, by name and by its indices. Immutable; versions share what is the same.
 */
final class Table<T extends MeshObject> {
  private final Kind<T> kind;
  private final PersistentMap<String, T> rows;
  private final List<PersistentMap<Object, List<T>>> indices; // as the kind has them

  private Table(
      Kind<T> kind, PersistentMap<String, T> rows, List<PersistentMap<Object, List<T>>> indices) {
    this.kind = kind;
    this.rows = rows;
    this.indices = indices;
  }

  /** Without an object. */
  static <T extends MeshObject> Table<T> empty(Kind<T> kind) {
    return new Table<>(
        kind,
        PersistentMap.empty(),
        Collections.nCopies(kind.indices().size(), PersistentMap.empty()));
  }

  Kind<T> kind() {
    return kind;
  }

  PersistentMap<String, T> rows() {
    return rows;
  }

  /** Those under {@code key}, in the order of the index. */
  List<T> find(Index<T, ?> index, Object key) {
    List<T> found = indices.get(place(index)).get(key);
    return found == null ? List.of() : found;
  }

  /** By identity: to compare what an index says costs more than to look into it. */
  private int place(Index<T, ?> index) {
    List<Index<T, ?>> all = kind.indices();
    int place = 0;
    while (all.get(place) != index) {
      place++;
    }
    return place;
  }

  /** Under which there is anything. */
  <K> Set<K> keys(Index<T, K> index) {
    @SuppressWarnings("unchecked") // an index puts objects under its keys
    Set<K> keys = (Set<K>) indices.get(place(index)).keySet();
    return keys;
  }

  /** This with {@code object}, also in the place of another of its name. */
  Table<T> with(MeshObject object) {
    T added = kind.cast(object);
    String name = added.key().name();
    Table<T> base = without(name);
    return new Table<>(
        kind, base.rows.with(name, added), base.indexed((index, map) -> add(map, index, added)));
  }

  /** This without the object of that name. */
  Table<T> without(String name) {
    T before = rows.get(name);
    return before == null
        ? this
        : new Table<>(
            kind, rows.without(name), indexed((index, map) -> remove(map, index, before)));
  }

  private interface Edit<T> {
    PersistentMap<Object, List<T>> of(Index<T, ?> index, PersistentMap<Object, List<T>> map);
  }

  private List<PersistentMap<Object, List<T>>> indexed(Edit<T> edit) {
    List<PersistentMap<Object, List<T>>> edited = new ArrayList<>(indices.size());
    for (int i = 0; i < indices.size(); i++) {
      edited.add(edit.of(kind.indices().get(i), indices.get(i)));
    }
    return edited;
  }

  private static <T, K> PersistentMap<Object, List<T>> add(
      PersistentMap<Object, List<T>> map, Index<T, K> index, T added) {
    return each(
        map,
        index,
        added,
        before -> {
          int found = Collections.binarySearch(before, added, index.order());
          List<T> values = new ArrayList<>(before);
          values.add(found < 0 ? -found - 1 : found, added);
          return List.copyOf(values);
        });
  }

  private static <T, K> PersistentMap<Object, List<T>> remove(
      PersistentMap<Object, List<T>> map, Index<T, K> index, T removed) {
    return each(
        map, index, removed, before -> before.stream().filter(one -> one != removed).toList());
  }

  private static <T, K> PersistentMap<Object, List<T>> each(
      PersistentMap<Object, List<T>> map,
      Index<T, K> index,
      T object,
      Function<List<T>, List<T>> edit) {
    PersistentMap<Object, List<T>> edited = map;
    for (K key : index.keys().apply(object)) {
      List<T> values = edit.apply(edited.getOrDefault(key, List.of()));
      edited = values.isEmpty() ? edited.without(key) : edited.with(key, values);
    }
    return edited;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Table<?> table && table.rows.equals(rows);
  }

  @Override
  public int hashCode() {
    return rows.hashCode();
  }
}
