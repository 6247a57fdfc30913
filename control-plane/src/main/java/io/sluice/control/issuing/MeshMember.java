package io.sluice.control.issuing;

import io.sluice.mesh.SpiffeId;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * Whoever holds a certificate of the mesh: a workload, a node or the mesh itself.
 *
 * @param chain leaf first, as it came
 */
public record MeshMember(SpiffeId identity, List<X509Certificate> chain) {
  public MeshMember {
    chain = List.copyOf(chain);
  }
}
