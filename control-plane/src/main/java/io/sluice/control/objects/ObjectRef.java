package io.sluice.control.objects;

import io.sluice.mesh.Printable;
import java.util.Comparator;

/**
 * Which object is meant, whatever the version of its API.
 *
 * @param group API group, empty for the core group
 * @param kind kind as written in manifests
 * @param namespace namespace, empty for kinds that have none
 * @param name name
 */
public record ObjectRef(String group, String kind, String namespace, String name)
    implements Comparable<ObjectRef> {
  private static final Comparator<ObjectRef> ORDER =
      Comparator.comparing(ObjectRef::kind)
          .thenComparing(ObjectRef::namespace)
          .thenComparing(ObjectRef::name)
          .thenComparing(ObjectRef::group);

  @Override
  public int compareTo(ObjectRef other) {
    return ORDER.compare(this, other);
  }

  /** {@code Kind namespace/name}, or {@code Kind name} when the kind has no namespace. */
  @Override
  public String toString() {
    return Printable.line(kind + " " + (namespace.isEmpty() ? "" : namespace + "/") + name);
  }
}
