package io.sluice.control.registry;

import io.sluice.control.manifest.Problem;
import java.util.List;

/**
 * State of one place that objects come from and that is used as a whole or not at all: a file of a
 * folder, or an object of the Kubernetes API.
 *
 * @param origin name of the file without the folder, or kind and name of the object
 * @param objects how many objects of it are in service
 * @param problems why its present content is not in service; empty when it is
 */
public record OriginStatus(String origin, int objects, List<Problem> problems) {
  public OriginStatus {
    problems = List.copyOf(problems);
  }

  /** Whether the present content is in service. */
  public boolean isOk() {
    return problems.isEmpty();
  }

  /** Whether objects of an earlier, good content are in service in place of the present one. */
  public boolean keepsLastGood() {
    return !problems.isEmpty() && objects > 0;
  }
}
