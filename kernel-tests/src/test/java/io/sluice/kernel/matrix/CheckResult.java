package io.sluice.kernel.matrix;

/**
 * How one check ended.
 *
 * @param name what is claimed, with the address family where there is one
 * @param problem empty when the claim holds
 */
record CheckResult(String name, String problem) {
  boolean passed() {
    return problem.isEmpty();
  }
}
