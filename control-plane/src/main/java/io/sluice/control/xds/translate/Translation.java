package io.sluice.control.xds.translate;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One snapshot and the roots of one instant, for everybody who asks. Resources are made when they
 * are asked for, once for all who may see the same. Any thread.
 */
public final class Translation {
  private final MeshSnapshot snapshot;
  private final List<X509Certificate> roots;
  private final Map<SpiffeId, Sight> sights = new ConcurrentHashMap<>();

  /**
   * @param roots of the mesh; empty while they are not known
   */
  public Translation(MeshSnapshot snapshot, List<X509Certificate> roots) {
    this.snapshot = snapshot;
    this.roots = List.copyOf(roots);
  }

  /** What {@code asker} is told. */
  public Catalogue of(Asker asker) {
    return new Catalogue(
        sights.computeIfAbsent(asker.identity(), who -> new Sight(who, snapshot, roots)),
        asker.certificateProvider());
  }
}
