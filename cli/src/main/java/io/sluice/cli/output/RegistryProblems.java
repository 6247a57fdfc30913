package io.sluice.cli.output;

import io.sluice.control.compile.Severity;
import io.sluice.control.registry.RegistryStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Logs each problem of a registry once, when it is gone, and again after that. */
public final class RegistryProblems implements Consumer<RegistryStatus> {
  private static final System.Logger LOG = System.getLogger(RegistryProblems.class.getName());

  /** A mesh can have one for each object; who looks mends some, then looks again. */
  private static final int MOST_SHOWN = 20;

  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  /** Knows of no problem yet. */
  public RegistryProblems() {}

  /** What is wrong in the registry, a line each, for people who ask how things are. */
  public static List<String> of(RegistryStatus status) {
    List<String> all =
        Stream.concat(
                status.problems().stream().map(Object::toString),
                status.objects().stream()
                    .filter(object -> object.severity() == Severity.UNUSABLE)
                    .map(Object::toString))
            .toList();
    if (all.size() <= MOST_SHOWN) {
      return all;
    }
    List<String> shown = new ArrayList<>(all.subList(0, MOST_SHOWN));
    shown.add("and " + (all.size() - MOST_SHOWN) + " more, see the log");
    return shown;
  }

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
    for (String line : Set.copyOf(reported)) {
      if (!present.contains(line)) {
        reported.remove(line);
        LOG.log(System.Logger.Level.INFO, "registry_mended was=\"" + line + "\"");
      }
    }
  }
}
