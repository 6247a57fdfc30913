package io.sluice.control.folder;

import io.sluice.control.manifest.Problem;
import java.util.List;

/**
 * State of one file of the folder.
 *
 * @param file name without the folder
 * @param objects how many objects of it are in service
 * @param problems why its present content is not in service; empty when it is
 */
public record FileStatus(String file, int objects, List<Problem> problems) {
  public FileStatus {
    problems = List.copyOf(problems);
  }

  /** Whether the present content of the file is in service. */
  public boolean isOk() {
    return problems.isEmpty();
  }

  /** Whether objects of an earlier, good content are in service in place of the present one. */
  public boolean keepsLastGood() {
    return !problems.isEmpty() && objects > 0;
  }
}
