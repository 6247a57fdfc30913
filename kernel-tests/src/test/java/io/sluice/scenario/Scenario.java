package io.sluice.scenario;

import io.sluice.kernel.LongRun;
import java.util.List;
import java.util.Map;

/**
 * A promise of the mesh: what is written into the registry, and what calls meet then.
 *
 * @param name what is promised, in words
 * @param manifests YAML by name of its file, beside the pods and their namespace
 * @param steps taken one after the other; each in all cells at once, the ones that change the
 *     registry once
 * @param everyCell whether both families are needed in both places
 */
record Scenario(String name, Map<String, String> manifests, List<Step> steps, boolean everyCell) {
  Scenario {
    manifests = Map.copyOf(manifests);
    steps = List.copyOf(steps);
  }

  Scenario(String name, Map<String, String> manifests, List<Step> steps) {
    this(name, manifests, steps, LongRun.ON);
  }

  static Scenario of(String name, Map<String, String> manifests, Step... steps) {
    return new Scenario(name, manifests, List.of(steps));
  }

  static Scenario inEveryCell(String name, Map<String, String> manifests, Step... steps) {
    return new Scenario(name, manifests, List.of(steps), true);
  }

  @Override
  public String toString() {
    return name;
  }
}
