package io.sluice.control.registry;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import java.util.List;

/**
 * What a registry now holds under one name.
 *
 * @param ref the name
 * @param objects empty when it was removed; several when files of a folder repeat it: then the
 *     first one counts
 */
public record ObjectChange(ObjectRef ref, List<KubernetesObject> objects) {
  public ObjectChange {
    objects = List.copyOf(objects);
  }
}
