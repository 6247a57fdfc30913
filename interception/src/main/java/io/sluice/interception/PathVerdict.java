package io.sluice.interception;

import java.util.List;
import java.util.Optional;

/**
 * What a look at the paths into and out of a pod has shown.
 *
 * @param problem what did not arrive as it should, if anything
 * @param notChecked what could not be looked at, and why
 */
public record PathVerdict(Optional<String> problem, List<String> notChecked) {
  public PathVerdict {
    notChecked = List.copyOf(notChecked);
  }
}
