package io.sluice.mesh;

/** What becomes of open connections that policy allowed and refuses now. */
public enum RevokedMode {
  /** They are reset. */
  CLOSE,
  /** They go on; only new ones are refused. */
  KEEP
}
