package io.sluice.control.xds.translate;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One snapshot and the roots of one instant, for everybody who asks. Resources are made when they
 * are asked for, once for all who may see the same. Any thread.
 */
public final class Translation {
  private final MeshSnapshot snapshot;
  private final List<X509Certificate> roots;
  private final Set<TrustDomain> domains;
  private final Map<SpiffeId, IdentityResources> identities = new ConcurrentHashMap<>();

  /**
   * @param roots of the mesh; empty while they are not known
   * @param domains every trust domain of the mesh now; more than one while it changes
   */
  public Translation(
      MeshSnapshot snapshot, List<X509Certificate> roots, Collection<TrustDomain> domains) {
    this.snapshot = snapshot;
    this.roots = List.copyOf(roots);
    this.domains = Set.copyOf(domains);
  }

  /** What {@code asker} is told. */
  public Catalogue of(Asker asker) {
    // The snapshot names one of the mesh's trust domains, and accounts are what counts.
    SpiffeId identity =
        domains.contains(asker.identity().trustDomain())
            ? asker.identity().in(snapshot.settings().trustDomain())
            : asker.identity();
    return new Catalogue(
        identities.computeIfAbsent(
            identity, who -> new IdentityResources(who, snapshot, roots, domains)),
        asker.certificateProvider());
  }

  /**
   * Who asks.
   *
   * @param identity what the client's certificate proves: a workload's, or a node's
   * @param certificateProvider where the client keeps certificate and roots, by a name of its own;
   *     empty where it says of none, and then it is told of no TLS
   */
  public record Asker(SpiffeId identity, String certificateProvider) {}
}
