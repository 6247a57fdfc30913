package io.sluice.cni.install;

import static java.util.stream.Collectors.joining;

import java.util.List;
import java.util.Optional;

/**
 * What one round did.
 *
 * @param paths where it worked, and why there
 * @param state what is true afterwards
 * @param done what was changed, in order; empty when all was as it should be
 * @param problems what could not be done, and what needs an operator
 */
public record Convergence(
    RuntimePaths paths, ChainState state, List<String> done, List<Problem> problems) {
  /** What an operator may do where a runtime looks elsewhere than its settings say. */
  static final String NAME_DIRECTORIES =
      "if the runtime looks elsewhere, name its directories: --cni-conf-dir DIR and --cni-bin-dir"
          + " DIR, in the chart --set cni.confDir=DIR --set 'cni.binDirs={DIR}'";

  /** Copies the lists. */
  public Convergence {
    done = List.copyOf(done);
    problems = List.copyOf(problems);
  }

  /**
   * Why the runtime does not call our plugin for every pod, where that was found, and what mends
   * it; nothing where it does.
   */
  public Optional<String> missing() {
    String hint = "; " + NAME_DIRECTORIES + " (" + paths.reason() + ")";
    return switch (state) {
      case CHAINED -> Optional.empty();
      case NO_DIRECTORY, NO_PRIMARY ->
          Optional.of(
              "no network is installed in "
                  + paths.confDir()
                  + ", where the runtime looks: install the cluster's network"
                  + hint);
      case SHADOWED, OUTDATED, ORPHANED, ABSENT ->
          Optional.of(
              "the CNI plugin is "
                  + state.label()
                  + ": "
                  + problems.stream().map(Problem::toString).collect(joining("; "))
                  + hint);
    };
  }
}
