package io.sluice.proxy.tls;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Set;

/**
 * Who is at the other end, as its certificate proved in this handshake.
 *
 * @param identity from the leaf
 * @param names in each trust domain of this mesh; empty where it is of another mesh
 * @param serial of the leaf
 * @param notAfter end of the leaf's validity
 */
public record VerifiedPeer(
    SpiffeId identity, Set<SpiffeId> names, BigInteger serial, Instant notAfter) {
  /**
   * The identity by which policy knows it: that of its account in the trust domain that {@code
   * snapshot} says, while its certificate may still be of the former.
   */
  public SpiffeId in(MeshSnapshot snapshot) {
    return names.isEmpty() ? identity : identity.in(snapshot.settings().trustDomain());
  }
}
