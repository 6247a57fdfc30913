package io.sluice.control.registry;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.manifest.Problem;
import java.util.List;
import java.util.stream.Stream;

/**
 * State of a registry at one instant.
 *
 * @param revision revision of the snapshot last delivered, 0 before the first
 * @param complete whether that holds everything: what is missing from it does not exist
 * @param sourceProblems why the registry, or a part of it, cannot be read or watched; empty when it
 *     can
 * @param origins one entry per manifest file, or per unusable object of the Kubernetes API, in
 *     order of name
 * @param objects objects that are not used as written, in order of object
 */
public record RegistryStatus(
    long revision,
    boolean complete,
    List<Problem> sourceProblems,
    List<OriginStatus> origins,
    List<ObjectStatus> objects) {
  /** Before the first look. */
  public static final RegistryStatus EMPTY =
      new RegistryStatus(0, false, List.of(), List.of(), List.of());

  public RegistryStatus {
    sourceProblems = List.copyOf(sourceProblems);
    origins = List.copyOf(origins);
    objects = List.copyOf(objects);
  }

  /** Every problem of the registry and its origins, in order of origin. */
  public List<Problem> problems() {
    return Stream.concat(
            sourceProblems.stream(), origins.stream().flatMap(origin -> origin.problems().stream()))
        .toList();
  }

  /**
   * State of one place that objects come from and that is used as a whole or not at all: a file of
   * a folder, or an object of the Kubernetes API.
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
  }
}
