package io.sluice.control.compile;

import io.sluice.control.objects.Egress;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Egresses. One depends on the HTTPRouteGroups of its namespace, and on the MeshConfig. */
final class EgressStage {
  private final Statuses.StatusBook statuses;
  private final Map<ObjectRef, Egress> written = new HashMap<>();
  private final Set<ObjectRef> due = new HashSet<>();

  EgressStage(Statuses.StatusBook statuses) {
    this.statuses = statuses;
  }

  void add(Egress one) {
    written.put(one.ref(), one);
    due.add(one.ref());
  }

  void remove(Egress one) {
    written.remove(one.ref());
    due.add(one.ref());
  }

  /** To be told of a group as it was and as it is. */
  void changed(HttpRouteGroup group) {
    written.keySet().stream()
        .filter(ref -> ref.namespace().equals(group.meta().namespace()))
        .forEach(due::add);
  }

  /** To be told that the MeshConfig may say something else. */
  void configChanged() {
    due.addAll(written.keySet());
  }

  void compile(SnapshotEditor editor, EgressCompiler.Surroundings surroundings) {
    for (ObjectRef ref : due) {
      NamespacedName name = new NamespacedName(ref.namespace(), ref.name());
      Egress one = written.get(ref);
      if (one == null) {
        editor.remove(Kind.EGRESS.key(name));
      } else {
        Statuses found = new Statuses();
        new EgressCompiler(surroundings, found)
            .egress(one)
            .ifPresentOrElse(editor::put, () -> editor.remove(Kind.EGRESS.key(name)));
        statuses.put(ref, found);
      }
    }
    due.clear();
  }
}
