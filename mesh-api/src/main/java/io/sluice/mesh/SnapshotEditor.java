package io.sluice.mesh;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Makes a snapshot from an earlier one. Costs what the change costs: the two share what is the same
 * in both. What is put and equals what is there is no change. Confined to one thread.
 */
public final class SnapshotEditor {
  private final Set<ResourceKey> changed = new HashSet<>();
  private final boolean complete;
  private PersistentMap<String, Table<?>> tables;

  SnapshotEditor(PersistentMap<String, Table<?>> tables, boolean complete) {
    this.tables = tables;
    this.complete = complete;
  }

  /** Adds the object, or replaces the one of its kind and name. */
  public void put(MeshObject object) {
    ResourceKey key = object.key();
    Table<?> table = tables.get(key.kind());
    Table<?> before = table == null ? Table.empty(object.kind()) : table;
    if (!object.equals(before.rows().get(key.name()))) {
      tables = tables.with(key.kind(), before.with(object));
      changed.add(key);
    }
  }

  /** Removes that object, if there is one; settings that are removed leave it closed. */
  public void remove(ResourceKey key) {
    Table<?> table = tables.get(key.kind());
    if (table != null && table.rows().containsKey(key.name())) {
      Table<?> rest = table.without(key.name());
      tables = rest.rows().isEmpty() ? tables.without(key.kind()) : tables.with(key.kind(), rest);
      changed.add(key);
    }
  }

  /**
   * What was put, replaced or removed so far, in order of kind and name. An object that was changed
   * and changed back is among them.
   */
  public List<ResourceKey> changed() {
    return List.copyOf(new TreeSet<>(changed));
  }

  /** The snapshot as edited so far; the editor may go on. */
  public MeshSnapshot snapshot(long revision) {
    return new MeshSnapshot(revision, complete, tables);
  }
}
