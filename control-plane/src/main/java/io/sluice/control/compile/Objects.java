package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import java.util.List;

/**
 * All objects of a registry, in the order in which they were found: of two with the same group,
 * kind and name the first one counts.
 */
public record Objects(List<KubernetesObject> all) {
  public Objects {
    all = List.copyOf(all);
  }

  /** The objects of one kind. */
  <T extends KubernetesObject> List<T> of(Class<T> kind) {
    return all.stream().filter(kind::isInstance).map(kind::cast).toList();
  }
}
