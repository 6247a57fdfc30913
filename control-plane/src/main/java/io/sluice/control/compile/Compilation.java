package io.sluice.control.compile;

import io.sluice.mesh.MeshSnapshot;
import java.util.List;

/**
 * Result of compiling.
 *
 * @param snapshot what the data plane decides by
 * @param statuses objects that are not used as written, in order of object
 * @param inForce what the next compilation keeps
 */
public record Compilation(MeshSnapshot snapshot, List<ObjectStatus> statuses, InForce inForce) {
  public Compilation {
    statuses = List.copyOf(statuses);
  }
}
