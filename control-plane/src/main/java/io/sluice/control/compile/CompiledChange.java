package io.sluice.control.compile;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceKey;
import java.util.List;

/**
 * What a change of objects led to.
 *
 * @param snapshot what the data plane decides by from now on
 * @param changed resources of which {@code snapshot} has more, fewer or other ones than the one
 *     before, in order; empty when it is the one before
 * @param statuses objects that are not used as written, in order of object
 * @param certificates that clients outside the mesh get
 */
public record CompiledChange(
    MeshSnapshot snapshot,
    List<ResourceKey> changed,
    List<ObjectStatus> statuses,
    List<OutsideCertificate> certificates) {
  public CompiledChange {
    changed = List.copyOf(changed);
    statuses = List.copyOf(statuses);
    certificates = List.copyOf(certificates);
  }
}
