package io.sluice.mesh;

/** What may be said about the pods of a Kubernetes namespace without knowing the single pod. */
public enum NamespaceMembership {
  /** A pod without words of its own is enrolled. */
  INSIDE,
  /** Some pods are enrolled by words of their own. */
  MIXED,
  /** No pod is enrolled. */
  OUTSIDE
}
