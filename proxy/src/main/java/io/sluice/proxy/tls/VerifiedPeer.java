package io.sluice.proxy.tls;

import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Flow;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.Set;

/**
 * Who is at the other end, as its certificate proved in this handshake.
 *
 * @param identity from the leaf
 * @param root the trusted certificate that its chain led to
 * @param mesh trust domains of this mesh, as the trust bundle said then
 * @param serial of the leaf
 */
public record VerifiedPeer(
    SpiffeId identity, X509Certificate root, Set<TrustDomain> mesh, BigInteger serial) {
  public VerifiedPeer {
    mesh = Set.copyOf(mesh);
  }

  /** Whether it is of another mesh: no account of this one, whatever its name. */
  public boolean isForeign() {
    return !mesh.contains(identity.trustDomain());
  }

  /** Whether {@code denied} names it. */
  public boolean isDeniedBy(DeniedPeers denied) {
    return isForeign()
        ? denied.deniesForeign(identity, serial)
        : denied.denies(identity, serial, mesh);
  }

  /**
   * Whom its connections count for where room is shared: a workload of this mesh for itself; all of
   * another for one, since its owner makes identities as he likes.
   */
  public Object sharer() {
    return isForeign() ? identity.trustDomain() : identity;
  }

  /** What it opened, as policy sees it. */
  public Flow flow(MeshSnapshot snapshot, InetSocketAddress from, InetSocketAddress destination) {
    return isForeign()
        ? Flow.foreign(identity, from, destination)
        : Flow.certified(snapshot, in(snapshot), from, destination);
  }

  /**
   * The identity by which policy knows it: that of its account in the trust domain that {@code
   * snapshot} says, while its certificate may still be of the former.
   */
  public SpiffeId in(MeshSnapshot snapshot) {
    return isForeign() ? identity : identity.in(snapshot.settings().trustDomain());
  }
}
