package io.sluice.mesh;

/** Whether a workload's connections with others of its own node have mutual TLS too. */
public enum SameNodeMtls {
  /** They have, whatever the other end says. */
  REQUIRED,
  /** They have it only where the other end requires it: their bytes do not leave the kernel. */
  DISABLED
}
