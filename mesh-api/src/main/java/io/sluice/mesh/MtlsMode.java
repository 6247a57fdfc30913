package io.sluice.mesh;

/** What a workload demands of connections whose source no listener of the node proves. */
public enum MtlsMode {
  /** A certificate has to prove the source. */
  STRICT,
  /** Plaintext is decided by the other rules, as from a source without identity. */
  PERMISSIVE
}
