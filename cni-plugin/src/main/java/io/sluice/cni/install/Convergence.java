package io.sluice.cni.install;

import java.util.List;

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
  /** Copies the lists. */
  public Convergence {
    done = List.copyOf(done);
    problems = List.copyOf(problems);
  }
}
