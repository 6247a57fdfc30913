package io.sluice.cli.output;

import io.sluice.control.registry.RegistryStatus;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.node.RegistryFindings;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Logs each problem of a registry once, by its level and in the words of {@code validate}, when it
 * is gone, and again after that.
 */
public final class RegistryProblems implements Consumer<RegistryStatus> {
  private static final System.Logger LOG = System.getLogger(RegistryProblems.class.getName());

  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  /** Knows of no problem yet. */
  public RegistryProblems() {}

  /** For people who ask how things are. */
  public static RegistryFindings of(RegistryStatus status) {
    return new RegistryFindings(
        found(status).filter(finding -> finding.level() == Level.ERROR).toList(),
        found(status).filter(finding -> finding.level() == Level.WARNING).toList());
  }

  private static Stream<Finding> found(RegistryStatus status) {
    return Stream.concat(problems(status), objects(status));
  }

  private static Stream<Finding> problems(RegistryStatus status) {
    return status.problems().stream().map(problem -> Finding.of(problem, ""));
  }

  private static Stream<Finding> objects(RegistryStatus status) {
    return status.objects().stream().map(Finding::of);
  }

  @Override
  public void accept(RegistryStatus status) {
    Map<String, Level> present = new LinkedHashMap<>();
    problems(status).forEach(found -> present.put("registry_problem " + found, found.level()));
    objects(status).forEach(found -> present.put("object_status " + found, found.level()));
    present.forEach((line, level) -> {
      if (reported.add(line)) {
        LOG.log(
            switch (level) {
              case ERROR -> System.Logger.Level.ERROR;
              case WARNING -> System.Logger.Level.WARNING;
              case INFO -> System.Logger.Level.INFO;
            },
            line);
      }
    });
    for (String line : Set.copyOf(reported)) {
      if (!present.containsKey(line)) {
        reported.remove(line);
        LOG.log(System.Logger.Level.INFO, "registry_mended was=\"" + line + "\"");
      }
    }
  }
}
