package io.sluice.control.objects;

import io.sluice.control.manifest.Problem;
import java.util.List;

/**
 * What a file holds.
 *
 * @param objects its objects, in order; complete only when there is no problem
 * @param problems what in it cannot be used
 */
public record ReadObjects(List<KubernetesObject> objects, List<Problem> problems) {
  public ReadObjects {
    objects = List.copyOf(objects);
    problems = List.copyOf(problems);
  }
}
