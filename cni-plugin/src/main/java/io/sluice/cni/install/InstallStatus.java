package io.sluice.cni.install;

import java.nio.file.Path;
import java.util.List;

/**
 * How things stand, with nothing changed.
 *
 * @param paths where the runtime looks, and why
 * @param state what is true of our configuration
 * @param primary the file name of the primary configuration; empty when there is none
 * @param binaries the directories in which the current binary is
 * @param problems what is not as it should be
 * @param removalCommand the one command that takes this node out of the mesh's hands when nothing
 *     else of Sluice is left: afterwards the runtime uses the primary configuration alone
 */
public record InstallStatus(
    RuntimePaths paths,
    ChainState state,
    String primary,
    List<Path> binaries,
    List<Problem> problems,
    String removalCommand) {
  /** Copies the lists. */
  public InstallStatus {
    binaries = List.copyOf(binaries);
    problems = List.copyOf(problems);
  }
}
