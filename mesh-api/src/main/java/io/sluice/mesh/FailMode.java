package io.sluice.mesh;

/** What becomes of a workload's new connections while no daemon runs. */
public enum FailMode {
  /** They are refused. */
  CLOSED,
  /** They are left alone, unprotected. */
  OPEN
}
