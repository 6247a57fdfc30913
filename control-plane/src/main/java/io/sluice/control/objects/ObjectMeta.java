package io.sluice.control.objects;

import io.sluice.mesh.NamespacedName;
import java.util.Map;

/**
 * What every object carries.
 *
 * @param ref group, kind, namespace and name
 * @param labels {@code metadata.labels}
 * @param annotations those of {@code metadata.annotations} that talk to a mesh
 * @param terminating whether {@code metadata.deletionTimestamp} is set
 * @param birth when it came to be
 * @param file file that the object was read from, or another name for where it came from
 * @param line line where the object starts, from 1; 0 where it came without lines
 */
public record ObjectMeta(
    ObjectRef ref,
    Map<String, String> labels,
    Map<String, String> annotations,
    boolean terminating,
    Birth birth,
    String file,
    int line) {
  public ObjectMeta {
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /** Namespace, empty for kinds that have none. */
  public String namespace() {
    return ref.namespace();
  }

  /** Name. */
  public String name() {
    return ref.name();
  }

  /** Both; not for kinds that have no namespace. */
  public NamespacedName namespacedName() {
    return new NamespacedName(namespace(), name());
  }
}
