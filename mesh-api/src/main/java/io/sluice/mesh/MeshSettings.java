package io.sluice.mesh;

/**
 * Mesh-wide settings.
 *
 * @param permissive {@code enablePermissiveTrafficPolicyMode}: traffic needs no TrafficTarget
 * @param egress {@code enableEgress}: destinations outside the mesh may be reached
 * @param trustDomain authority part of every identity
 */
public record MeshSettings(boolean permissive, boolean egress, TrustDomain trustDomain) {
  /** What holds when no MeshConfig exists: nothing that is not granted (fail closed). */
  public static final MeshSettings CLOSED =
      new MeshSettings(false, false, TrustDomain.CLUSTER_LOCAL);
}
