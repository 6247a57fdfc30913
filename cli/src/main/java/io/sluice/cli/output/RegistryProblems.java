package io.sluice.cli.output;

import io.sluice.control.registry.RegistryStatus;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Logs each problem of a registry once, and again after it was gone. */
public final class RegistryProblems implements Consumer<RegistryStatus> {
  private static final System.Logger LOG = System.getLogger(RegistryProblems.class.getName());

  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  /** Knows of no problem yet. */
  public RegistryProblems() {}

  @Override
  public void accept(RegistryStatus status) {
    Set<String> present = ConcurrentHashMap.newKeySet();
    status.problems().forEach(problem -> present.add("registry_problem " + problem));
    status.objects().forEach(object -> present.add("object_status " + object));
    for (String line : present) {
      if (reported.add(line)) {
        LOG.log(System.Logger.Level.WARNING, line);
      }
    }
    reported.retainAll(present);
  }
}
