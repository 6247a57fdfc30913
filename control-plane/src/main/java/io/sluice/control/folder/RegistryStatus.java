package io.sluice.control.folder;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.compile.Severity;
import io.sluice.control.manifest.Problem;
import java.util.List;
import java.util.stream.Stream;

/**
 * State of a folder registry at one instant.
 *
 * @param revision revision of the snapshot last delivered, 0 before the first
 * @param directoryProblems why the folder as a whole cannot be read or watched; empty when it can
 * @param files one entry per manifest file, in order of name
 * @param objects objects that are not used as written, in order of object
 */
public record RegistryStatus(
    long revision,
    List<Problem> directoryProblems,
    List<FileStatus> files,
    List<ObjectStatus> objects) {
  /** Before the first scan. */
  public static final RegistryStatus EMPTY = new RegistryStatus(0, List.of(), List.of(), List.of());

  public RegistryStatus {
    directoryProblems = List.copyOf(directoryProblems);
    files = List.copyOf(files);
    objects = List.copyOf(objects);
  }

  /** Every problem of the folder and its files, in order of file. */
  public List<Problem> problems() {
    return Stream.concat(
            directoryProblems.stream(), files.stream().flatMap(file -> file.problems().stream()))
        .toList();
  }

  /** Whether every file is in service and no object is without effect. */
  public boolean isHealthy() {
    return problems().isEmpty()
        && objects.stream().noneMatch(status -> status.severity() == Severity.UNUSABLE);
  }
}
