package io.sluice.cli.output;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.compile.Severity;
import io.sluice.control.registry.RegistryStatus;
import io.sluice.node.RegistryFindings;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Logs each problem of a registry once, when it is gone, and again after that. */
public final class RegistryProblems implements Consumer<RegistryStatus> {
  private static final System.Logger LOG = System.getLogger(RegistryProblems.class.getName());

  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  /** Knows of no problem yet. */
  public RegistryProblems() {}

  /** For people who ask how things are. */
  public static RegistryFindings of(RegistryStatus status) {
    return new RegistryFindings(
        Stream.concat(status.problems().stream(), objects(status, Severity.UNUSABLE)).toList(),
        objects(status, Severity.WARNING).toList());
  }

  private static Stream<ObjectStatus> objects(RegistryStatus status, Severity severity) {
    return status.objects().stream().filter(object -> object.severity() == severity);
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
