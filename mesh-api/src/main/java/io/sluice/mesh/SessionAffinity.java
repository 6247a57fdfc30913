package io.sluice.mesh;

/** Whether a service's endpoint depends on who calls, as {@code spec.sessionAffinity} has it. */
public enum SessionAffinity {
  /** Any endpoint for any connection. */
  NONE,
  /** The same endpoint for every connection from one client address. */
  CLIENT_IP
}
